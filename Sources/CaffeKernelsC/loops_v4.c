// The loops for x86-64-v4: AVX-512 F, BW, DQ, VL.
#if defined(__x86_64__)
// Headers first: their functions keep the target of the build.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "dispatch.h"

#define CK_TABLE ck_loops_v4
#define CK_VECTOR 16
#define CK_PRODUCT_ROWS 12
#define CK_PRODUCT_VECTORS 4
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#include "loops/all.inc"
#pragma clang attribute pop
#endif
