#include "ck_parallel.h"

#include "dispatch.h"

// libgomp's own entry points: clang would emit calls to another runtime, and two runtimes in one
// process (OpenBLAS and oneDNN use libgomp) fight for the same cores.
void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_max_threads(void);
int omp_get_num_threads(void);
int omp_get_thread_num(void);
int omp_in_parallel(void);
void omp_set_num_threads(int count);

// libgomp is not instrumented, so the thread sanitizer does not see where its threads meet.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
void __tsan_acquire(void *);
void __tsan_release(void *);
#else
#define __tsan_acquire(address)
#define __tsan_release(address)
#endif

long ck_thread_count(void) {
  return omp_get_max_threads();
}

void ck_set_thread_count(long count) {
  long limited = count < 1 ? 1 : count > CK_MAX_PARTS ? CK_MAX_PARTS : count;
  omp_set_num_threads((int)limited);
}

long ck_parts(long count, long grain) {
  long threads = ck_thread_count();
  long parts = grain > 0 ? count / grain : count;
  if (parts > threads) parts = threads;
  if (parts > CK_MAX_PARTS) parts = CK_MAX_PARTS;
  return parts < 1 ? 1 : parts;
}

struct region {
  ck_body body;
  const struct ck_loops *loops;  // the caller's, for every thread that helps it
  void *context;
  long count, parts;
};

static void run_part(const struct region *region, long part) {
  long share = region->count / region->parts, rest = region->count % region->parts;
  long begin = part * share + (part < rest ? part : rest);
  region->body(region->context, part, begin, begin + share + (part < rest ? 1 : 0));
}

// OpenMP may grant fewer threads than parts, so that each takes every n-th.
static void run_thread(void *data) {
  __tsan_acquire(data);
  const struct region *region = data;
  const struct ck_loops *own = ck_use_loops(region->loops);
  for (long part = omp_get_thread_num(); part < region->parts; part += omp_get_num_threads())
    run_part(region, part);
  ck_use_loops(own);
  __tsan_release(data);
}

void ck_parallel_parts(long count, long parts, ck_body body, void *context) {
  if (count <= 0) return;
  struct region region = {body, ck_loops(), context, count, parts};
  if (region.parts > 1 && !omp_in_parallel()) {
    __tsan_release(&region);
    GOMP_parallel(run_thread, &region, (unsigned)region.parts, 0);
    __tsan_acquire(&region);
  } else {
    for (long part = 0; part < region.parts; part++) run_part(&region, part);
  }
}

long ck_parallel_for(long count, long grain, ck_body body, void *context) {
  if (count <= 0) return 0;
  long parts = ck_parts(count, grain);
  ck_parallel_parts(count, parts, body, context);
  return parts;
}
