// Makes chosen calls to the system fail, to be loaded before a program with LD_PRELOAD.
//
//   FAULT_CALL    which calls: open, read, write, fsync, rename, mkdir, mmap, memory
//   FAULT_AT      the number of the first one to fail, from 1
//   FAULT_MODE    once (unless set), onward (all from there on), short (a write takes one byte, a read
//                 gives one), interrupted (EINTR, once)
//   FAULT_BYTES   memory: only requests of at least so many bytes count
//   FAULT_REPORT  a file that gets a line when a call fails: how many calls there were, and which
//
// Calls on standard input, output and error are not counted, nor is what the C library does inside, nor
// those of the programs that draw for us: a picture without its fonts is no fault of ours.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { ONCE, ONWARD, SHORT, INTERRUPTED };

static const char *call;
static long at = -1;
static size_t least;
static enum mode mode;
static const char *report;
static atomic_long count;

__attribute__((constructor)) static void start(void) {
  call = getenv("FAULT_CALL");
  const char *number = getenv("FAULT_AT"), *how = getenv("FAULT_MODE");
  const char *bytes = getenv("FAULT_BYTES");
  report = getenv("FAULT_REPORT");
  mode = !how ? ONCE : !strcmp(how, "onward") ? ONWARD
       : !strcmp(how, "short") ? SHORT : !strcmp(how, "interrupted") ? INTERRUPTED : ONCE;
  least = bytes ? strtoull(bytes, NULL, 10) : 0;
  const char *program = program_invocation_short_name;
  if (!strcmp(program, "dot") || !strcmp(program, "rsvg-convert")) call = NULL;
  if (call && number) at = strtol(number, NULL, 10);
}

// Uses nothing that is replaced here, nor memory.
static void tell(long number, const char *name) {
  char line[128];
  int length = snprintf(line, sizeof line, "%ld %s\n", number, name);
  long file = syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return;
  (void)!syscall(SYS_write, file, line, length);
  syscall(SYS_close, file);
}

// Whether this call, of the kind `kind`, is one to spoil.
static bool isDue(const char *kind, const char *name) {
  if (at < 0 || strcmp(kind, call)) return false;
  long number = atomic_fetch_add(&count, 1) + 1;
  bool due = mode == ONWARD ? number >= at : number == at;
  if (due && report && number == at) tell(number, name);
  return due;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define FAIL(error, result) do { errno = mode == INTERRUPTED ? EINTR : (error); return result; } while (0)

#define OPEN(name, parameters, path, arguments) \
  int name parameters { \
    REAL(name); \
    mode_t permissions = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
      va_list rest; \
      va_start(rest, flags); \
      permissions = va_arg(rest, mode_t); \
      va_end(rest); \
    } \
    if (isDue("open", path)) FAIL(flags & O_CREAT ? ENOSPC : EMFILE, -1); \
    return real arguments; \
  }

OPEN(open, (const char *path, int flags, ...), path, (path, flags, permissions))
OPEN(open64, (const char *path, int flags, ...), path, (path, flags, permissions))
OPEN(openat, (int at, const char *path, int flags, ...), path, (at, path, flags, permissions))
OPEN(openat64, (int at, const char *path, int flags, ...), path, (at, path, flags, permissions))

// One byte is as short as a transfer can be.
#define TRANSFER(kind, name, error, parameters, file, bytes, arguments, one) \
  ssize_t name parameters { \
    REAL(name); \
    if (file > 2 && isDue(kind, #name)) { \
      if (mode != SHORT) FAIL(error, -1); \
      if (bytes > 1) return real one; \
    } \
    return real arguments; \
  }

TRANSFER("write", write, ENOSPC, (int file, const void *from, size_t n), file, n, (file, from, n), (file, from, 1))
TRANSFER("write", pwrite, ENOSPC, (int file, const void *from, size_t n, off_t place), file, n,
         (file, from, n, place), (file, from, 1, place))
TRANSFER("write", pwrite64, ENOSPC, (int file, const void *from, size_t n, off64_t place), file, n,
         (file, from, n, place), (file, from, 1, place))
TRANSFER("write", writev, ENOSPC, (int file, const struct iovec *from, int n), file, from[0].iov_len,
         (file, from, n), (file, (struct iovec[]){{from[0].iov_base, 1}}, 1))
TRANSFER("write", pwritev, ENOSPC, (int file, const struct iovec *from, int n, off_t place), file,
         from[0].iov_len, (file, from, n, place), (file, (struct iovec[]){{from[0].iov_base, 1}}, 1, place))
TRANSFER("read", read, EIO, (int file, void *into, size_t n), file, n, (file, into, n), (file, into, 1))
TRANSFER("read", pread, EIO, (int file, void *into, size_t n, off_t place), file, n,
         (file, into, n, place), (file, into, 1, place))
TRANSFER("read", pread64, EIO, (int file, void *into, size_t n, off64_t place), file, n,
         (file, into, n, place), (file, into, 1, place))

// Done or not done: there is nothing to cut short.
#define STATUS(kind, name, error, parameters, arguments) \
  int name parameters { \
    REAL(name); \
    if (isDue(kind, #name) && mode != SHORT) FAIL(error, -1); \
    return real arguments; \
  }

STATUS("fsync", fsync, EIO, (int file), (file))
STATUS("fsync", fdatasync, EIO, (int file), (file))
STATUS("fsync", msync, EIO, (void *start, size_t n, int flags), (start, n, flags))
STATUS("rename", rename, EACCES, (const char *from, const char *to), (from, to))
STATUS("rename", link, EPERM, (const char *from, const char *to), (from, to))
STATUS("mkdir", mkdir, ENOSPC, (const char *path, mode_t mode), (path, mode))
STATUS("write", ftruncate, ENOSPC, (int file, off_t n), (file, n))
STATUS("write", ftruncate64, ENOSPC, (int file, off64_t n), (file, n))

int posix_fallocate(int file, off_t start, off_t n) {
  REAL(posix_fallocate);
  if (isDue("write", "posix_fallocate") && mode != SHORT) return mode == INTERRUPTED ? EINTR : ENOSPC;
  return real(file, start, n);
}

void *mmap(void *start, size_t n, int protection, int flags, int file, off_t place) {
  REAL(mmap);
  if (isDue("mmap", "mmap")) FAIL(ENOMEM, MAP_FAILED);
  return real(start, n, protection, flags, file, place);
}

void *mmap64(void *start, size_t n, int protection, int flags, int file, off64_t place) {
  REAL(mmap64);
  if (isDue("mmap", "mmap64")) FAIL(ENOMEM, MAP_FAILED);
  return real(start, n, protection, flags, file, place);
}

// The allocator's own names: looking them up with dlsym would ask for memory.
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static bool hasRoom(size_t n) {
  if (at < 0 || n < least || !isDue("memory", "memory")) return true;
  errno = ENOMEM;
  return false;
}

void *malloc(size_t n) { return hasRoom(n) ? __libc_malloc(n) : NULL; }
void *calloc(size_t n, size_t each) { return hasRoom(n * each) ? __libc_calloc(n, each) : NULL; }
void *realloc(void *old, size_t n) { return hasRoom(n) ? __libc_realloc(old, n) : NULL; }
void *aligned_alloc(size_t a, size_t n) { return hasRoom(n) ? __libc_memalign(a, n) : NULL; }
int posix_memalign(void **into, size_t a, size_t n) {
  if (!hasRoom(n)) return ENOMEM;
  *into = __libc_memalign(a, n);
  return *into ? 0 : ENOMEM;
}
