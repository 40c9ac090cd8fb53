// What the library exports. Knows tapes and memory; knows neither plans nor who calls.
#ifndef SCANTLING_RUNTIME_H
#define SCANTLING_RUNTIME_H
#include "tape.h"

#define EXPORT __attribute__((visibility("default")))

enum { MAX_THREADS = 64 };

// Outcome of a run: done, out of memory, or one more than the index of the tape's first broken word.
enum { RUN_DONE = 0, RUN_OUT_OF_MEMORY = -1 };

// Threads and their working memory. The arena is shared by all tapes that run on it, one after the other: it keeps the
// size of the largest, and nothing in it outlives a run.
typedef struct runtime runtime;

// Bytes of `real`: 4, or 8 in the double build.
EXPORT int32_t scantling_real_bytes(void);

// Memory for values: zeroed, aligned to LINE_BYTES, with LINE_BYTES readable after the end; large blocks are whole pages
// (huge ones where the system has them) that cost nothing until touched. NULL if there is none.
EXPORT void *scantling_allocate(int64_t bytes);
EXPORT void scantling_free(void *memory, int64_t bytes);
// Gives the pages of a large block back to the system at once and leaves zeros at the same address.
EXPORT void scantling_discard(void *memory, int64_t bytes);

EXPORT runtime *scantling_runtime_create(void);
EXPORT void scantling_runtime_destroy(runtime *r);

// Runs a tape with 1 to MAX_THREADS threads, the caller being the first; runs on one runtime wait for each other.
// Threads are started when first asked for; where the system refuses one, fewer run and the results are the same.
// `nanoseconds`, if not NULL, has one number for each word of the tape: to that of an instruction's first word its time
// is added, summed over threads, and to that of a segment's first word the time threads waited for its barrier.
EXPORT int64_t scantling_run(runtime *r, const word *tape, int64_t words, int64_t arena_bytes, int64_t local_bytes,
                             int64_t scratch_bytes, char *const *bindings, int32_t threads, int64_t *nanoseconds);

// What `threads` cores do at most in `milliseconds`: GFLOP/s of fused multiply-adds on vectors of `real` in registers.
EXPORT double scantling_peak_gflops(int32_t threads, int32_t milliseconds);

#endif
