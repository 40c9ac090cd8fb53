// Memory for values and arenas: small blocks from malloc, large ones as pages of their own.
//
// With SCANTLING_EXACT_MEMORY every block comes from malloc, exactly sized, so that AddressSanitizer guards its ends.
#define _GNU_SOURCE // MAP_ANONYMOUS and madvise beside -std=c11
#define _DARWIN_C_SOURCE
#include "runtime.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGES_FROM = 256 << 10, HUGE_FROM = 4 << 20, HUGE_PAGE = 2 << 20 };

static int has_pages(int64_t bytes) {
#ifdef SCANTLING_EXACT_MEMORY
  (void)bytes;
  return 0;
#else
  return bytes >= PAGES_FROM;
#endif
}

static void *map_pages(void *where, int64_t bytes, int flags) {
  void *memory = mmap(where, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static int64_t mapped_bytes(int64_t bytes) { return round_up(bytes + LINE_BYTES, 64 << 10); }

// Pages that begin at a multiple of HUGE_PAGE: more are mapped and both ends given back.
static void *map_huge(int64_t bytes) {
  char *wide = map_pages(NULL, bytes + HUGE_PAGE, 0);
  if (wide == NULL) return NULL;
  int64_t before = (int64_t)(-(uintptr_t)wide % HUGE_PAGE);
  if (before > 0) munmap(wide, (size_t)before);
  if (before < HUGE_PAGE) munmap(wide + before + bytes, (size_t)(HUGE_PAGE - before));
#ifdef MADV_HUGEPAGE
  madvise(wide + before, (size_t)bytes, MADV_HUGEPAGE);
#endif
  return wide + before;
}

static void *allocate_small(int64_t bytes) {
  void *memory;
  if (posix_memalign(&memory, LINE_BYTES, (size_t)bytes + LINE_BYTES) != 0) return NULL;
  return memset(memory, 0, (size_t)bytes + LINE_BYTES);
}

void *scantling_allocate(int64_t bytes) {
  if (bytes < 0 || bytes > INT64_MAX / 2) return NULL;
  if (!has_pages(bytes)) return allocate_small(bytes);
  return bytes >= HUGE_FROM ? map_huge(mapped_bytes(bytes)) : map_pages(NULL, mapped_bytes(bytes), 0);
}

void scantling_free(void *memory, int64_t bytes) {
  if (memory == NULL) return;
  if (has_pages(bytes)) munmap(memory, (size_t)mapped_bytes(bytes));
  else free(memory);
}

void scantling_discard(void *memory, int64_t bytes) {
  if (has_pages(bytes)) map_pages(memory, mapped_bytes(bytes), MAP_FIXED);
}
