/// Channels that lie in blocks, handled CK_LANES elements at a time: lane i belongs to channel
/// i % block. Only this module's own files see it.
#pragma once
#include "dispatch.h"

/// The constants of the channels `first..<first + block`, over and over; `missing` if there are none.
static inline void ck_spread(
    const float *constants, float missing, long first, long block, float *lanes) {
  for (long i = 0; i < CK_LANES; i++) lanes[i] = constants ? constants[first + i % block] : missing;
}

/// Adds sums of a few elements each, in float, to those of all.
static inline void ck_add_lanes(const float *sums, double *total) {
  for (long i = 0; i < CK_LANES; i++) total[i] += (double)sums[i];
}

/// Joins the lanes of the same channel in the first `block` of them.
static inline void ck_fold_lanes(double *total, long block) {
  for (long i = block; i < CK_LANES; i++) total[i % block] += total[i];
}
