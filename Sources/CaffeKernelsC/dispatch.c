#include "dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ck_parallel.h"

static const char *const names[] = {"base", "v3", "v4"};
static const struct ck_loops *usual = NULL;                // set before main
static _Thread_local const struct ck_loops *chosen = NULL;  // NULL: the usual one

bool ck_isa_available(enum ck_isa isa) {
  if (isa == CK_ISA_BASE) return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == CK_ISA_V3) return v3;
  return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

static const struct ck_loops *table(enum ck_isa isa) {
#if defined(__x86_64__)
  if (isa == CK_ISA_V4) return &ck_loops_v4;
  if (isa == CK_ISA_V3) return &ck_loops_v3;
#endif
  (void)isa;
  return &ck_loops_base;
}

static enum ck_isa best_isa(void) {
  return ck_isa_available(CK_ISA_V4)   ? CK_ISA_V4
         : ck_isa_available(CK_ISA_V3) ? CK_ISA_V3
                                       : CK_ISA_BASE;
}

static enum ck_isa wanted_isa(void) {
  const char *wish = getenv("CAFFE_ISA");
  if (!wish || !*wish) return best_isa();
  for (int isa = CK_ISA_BASE; isa <= CK_ISA_V4; isa++)
    if (!strcmp(wish, names[isa]) && ck_isa_available((enum ck_isa)isa)) return (enum ck_isa)isa;
  fprintf(stderr, "CAFFE_ISA=%s is not one of base, v3, v4 that this CPU has; using %s\n", wish,
          names[best_isa()]);
  return best_isa();
}

// Before main, so that the choice needs no lock and a wrong wish is reported once.
__attribute__((constructor)) static void choose(void) {
  usual = table(wanted_isa());
}

const struct ck_loops *ck_loops(void) {
  return chosen ? chosen : usual;
}

const struct ck_loops *ck_use_loops(const struct ck_loops *loops) {
  const struct ck_loops *before = chosen;
  chosen = loops;
  return before;
}

enum ck_isa ck_current_isa(void) {
  const struct ck_loops *loops = ck_loops();
  for (int isa = CK_ISA_V4; isa > CK_ISA_BASE; isa--)
    if (ck_isa_available((enum ck_isa)isa) && loops == table((enum ck_isa)isa))
      return (enum ck_isa)isa;
  return CK_ISA_BASE;
}

bool ck_set_isa(enum ck_isa isa) {
  if (!ck_isa_available(isa)) return false;
  chosen = table(isa);
  return true;
}
