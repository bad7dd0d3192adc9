/// Counter-based random numbers: Philox4x32-10.
///
/// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
///
/// A value depends on the key, the pass and its index alone. A block has the counter (block, pass),
/// both 64-bit, low word first; value `i` of a pass comes from word `i / 16 % 4` of block
/// `i / 64 * 16 + i % 16`, so that sixteen blocks are made side by side.
#pragma once
#include <stdint.h>

/// One block: out = Philox4x32-10(counter, key).
void ck_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// Which function of the random words is wanted.
enum ck_distribution {
  CK_UNIFORM,    ///< a + (b - a)·u, u a multiple of 2^-24 in [0, 1)
  CK_GAUSSIAN,   ///< mean a, standard deviation b
  CK_BERNOULLI,  ///< 1 with probability a, else 0
};

/// Fills `out` with values `first..<first + count` of the pass, in parallel.
void ck_random_fill(
    uint64_t key, uint64_t pass, enum ck_distribution distribution, float a, float b, long first,
    long count, float *out);

/// mask[i] = 1 with the given probability, else 0: value i of the pass, the same as CK_BERNOULLI's.
void ck_random_mask(uint64_t key, uint64_t pass, float probability, long count, uint8_t *mask);

/// out = factor·a where the mask is not 0, else 0.
void ck_apply_mask(const float *a, const uint8_t *mask, float factor, long count, float *out);
