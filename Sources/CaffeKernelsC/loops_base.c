// The loops for every CPU of the architecture (SSE2 on x86-64, NEON on aarch64).
#define CK_TABLE ck_loops_base
#include "loops/all.inc"
