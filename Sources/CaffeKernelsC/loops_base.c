// The loops for every CPU of the architecture (SSE2 on x86-64, NEON on aarch64).
#define CK_TABLE ck_loops_base
#define CK_VECTOR 16
#define CK_PRODUCT_ROWS 6
#define CK_PRODUCT_VECTORS 2
#include "loops/all.inc"
