// Loaded before a program, counts its requests of memory of at least ALLOCATION_BYTES bytes and writes the
// number to the file ALLOCATION_REPORT when it ends.
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

// glibc's own functions.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_long count;
static size_t least;

static void note(size_t bytes) {
  if (least && bytes >= least) atomic_fetch_add(&count, 1);
}

void *malloc(size_t bytes) {
  note(bytes);
  return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t size) {
  note(number * size);
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t bytes) {
  note(bytes);
  return __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  note(bytes);
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  note(bytes);
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}

__attribute__((constructor)) static void begin(void) {
  const char *bytes = getenv("ALLOCATION_BYTES");
  least = bytes ? (size_t)atol(bytes) : 0;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("ALLOCATION_REPORT");
  FILE *report = path ? fopen(path, "w") : NULL;
  if (!report) return;
  fprintf(report, "%ld", atomic_load(&count));
  fclose(report);
}
