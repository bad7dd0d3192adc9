/// Threads and instruction sets.
#pragma once
#include <stdbool.h>

/// Most parts `ck_parallel_for` ever makes.
#define CK_MAX_PARTS 256

/// Elements of light work (an addition, a copy) per thread that are worth waking a thread for.
#define CK_LIGHT_GRAIN 16384
/// The same for work of some tens of operations each (exponentials, random numbers).
#define CK_HEAVY_GRAIN 4096

/// One part of a loop: elements `begin..<end`.
typedef void (*ck_body)(void *context, long part, long begin, long end);

/// How many parts a loop over `count` elements makes: one per thread, but none below `grain`.
long ck_parts(long count, long grain);

/// Runs `body` over `0..<count` in `ck_parts` contiguous parts, on GNU OpenMP's threads, and returns
/// how many there were.
///
/// The parts depend on `count`, `grain` and the thread count alone. Inside another parallel region
/// the caller runs the same parts one after the other. `body` is not called when `count` is 0.
long ck_parallel_for(long count, long grain, ck_body body, void *context);
/// The same in a number of parts (at most `CK_MAX_PARTS`) that the caller has room for.
void ck_parallel_parts(long count, long parts, ck_body body, void *context);

/// Threads that a parallel loop of the calling thread uses; `OMP_NUM_THREADS` is the default.
long ck_thread_count(void);
/// Sets the number of threads for OpenMP loops that the calling thread starts.
void ck_set_thread_count(long count);

/// Instruction sets with loops of their own.
enum ck_isa {
  CK_ISA_BASE = 0,  ///< what every CPU of the architecture has
  CK_ISA_V3 = 1,    ///< x86-64-v3: AVX2 and FMA
  CK_ISA_V4 = 2,    ///< x86-64-v4: AVX-512 F, BW, DQ, VL
};

/// The instruction set in use: the best of the CPU, or what `CAFFE_ISA` (base, v3, v4) asks for.
enum ck_isa ck_current_isa(void);
/// Whether this CPU (and operating system) runs the set's loops.
bool ck_isa_available(enum ck_isa isa);
/// Switches the loops that the calling thread starts, for tests; returns false, and does nothing,
/// when the CPU lacks the set.
bool ck_set_isa(enum ck_isa isa);
