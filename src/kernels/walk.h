// One thread's way through a tape. Knows segments, loops and whose turn it is; knows neither how threads are made nor
// how they wait.
//
// Segments are numbered in the order in which they are met, repetitions counted, which is the same for every thread.
// `ticket` holds the number of the newest segment that any thread has reached and the next group of it. A thread goes on
// to a segment only when the one before has no groups left, so whoever finds a newer number than its own knows that its
// segment is taken completely. A barrier waits for groups, not for threads: one that the system has put aside delays
// nobody unless it holds a group.
#ifndef SCANTLING_WALK_H
#define SCANTLING_WALK_H
#include "tape.h"
#include <stdatomic.h>

enum { CACHE_LINES = 128 }; // apart: no two counters in one line, nor in a prefetched pair

typedef struct {
  _Alignas(CACHE_LINES) _Atomic uint64_t ticket;  // segment number << 32 | next group
  _Alignas(CACHE_LINES) _Atomic int64_t finished; // groups finished since the run began
  _Alignas(CACHE_LINES) const word *tape;
  int64_t words;
  int64_t *nanoseconds; // NULL, or one sum for each word of the tape: see scantling_run
} shared_run;

// Runs groups until the whole tape is taken; returns the number of groups it has. `own` comes with arena, local, scratch
// and bindings filled in.
int64_t walk(shared_run *run, context *own);

// 0 if the tape can be run, otherwise one more than the index of the first word of the offending entry or instruction.
int64_t find_fault(const word *tape, int64_t words);

// Given by the host of the walk.
void await_groups(shared_run *run, int64_t finished); // returns once run->finished has reached this
void add_groups(shared_run *run, int64_t finished);   // adds to run->finished and wakes who waits for it
int64_t nanoseconds_now(void);

#endif
