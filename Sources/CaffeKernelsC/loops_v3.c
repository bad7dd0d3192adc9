// The loops for x86-64-v3: AVX2 and FMA.
#if defined(__x86_64__)
// Headers first: their functions keep the target of the build.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "dispatch.h"

#define CK_TABLE ck_loops_v3
#define CK_VECTOR 8
#define CK_PRODUCT_ROWS 6
#define CK_PRODUCT_VECTORS 2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "loops/all.inc"
#pragma clang attribute pop
#endif
