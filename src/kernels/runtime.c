// Threads that run tapes: how they start, wait, sleep and end. Knows no kernel.
//
// Whoever has to wait spins for as long as waking up would take, then sleeps. Everything that is waited for is a counter
// that only grows during a run, with a bell that is rung, if anyone sleeps, after each change.
#define _GNU_SOURCE // clock_gettime, sysconf and pthreads beside -std=c11
#define _DARWIN_C_SOURCE
#include "runtime.h"
#include "processor.h"
#include "walk.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NANOSECONDS = 40000, CROWDED_SPIN_NANOSECONDS = 2000, STACK_BYTES = 4 << 20 };

typedef struct {
  pthread_cond_t rung;
  _Atomic int32_t sleepers;
} bell;

typedef struct {
  char *memory;
  int64_t bytes;
} block;

typedef struct {
  runtime *owner;
  pthread_t thread;
  int index;
  int64_t runs_seen;
  block local, scratch;
} worker;

struct runtime {
  shared_run run;                                 // first: the walker's host functions get its address
  _Alignas(CACHE_LINES) _Atomic int64_t runs;     // started so far
  _Alignas(CACHE_LINES) _Atomic int64_t departed; // workers that have left the current run
  pthread_mutex_t turn;                           // held by the caller whose tape is running
  pthread_mutex_t lock;                           // of the bells and of the fields below
  bell start, progress;                           // rung when a run starts; when groups are finished or a worker departs
  int64_t joined;                                 // workers in the current run
  int open, closing;                              // workers may join; must end
  int threads, started;                           // of the current run; that exist, the caller counted
  _Atomic int64_t spin; // nanoseconds; workers between runs read it at any time
  int64_t cores;
  block arena;
  char *const *bindings;
  worker workers[MAX_THREADS];
};

int32_t scantling_real_bytes(void) { return sizeof(real); }

int64_t nanoseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void await(runtime *r, bell *b, _Atomic int64_t *counter, int64_t least) {
  if (atomic_load_explicit(counter, memory_order_acquire) >= least) return;
  int64_t until = nanoseconds_now() + atomic_load_explicit(&r->spin, memory_order_relaxed);
  do {
    for (int i = 0; i < 64; i++) {
      if (atomic_load_explicit(counter, memory_order_acquire) >= least) return;
      breathe();
    }
  } while (nanoseconds_now() < until);
  pthread_mutex_lock(&r->lock);
  atomic_fetch_add(&b->sleepers, 1);
  while (atomic_load(counter) < least) pthread_cond_wait(&b->rung, &r->lock);
  atomic_fetch_sub(&b->sleepers, 1);
  pthread_mutex_unlock(&r->lock);
}

// Sequentially consistent on both sides (here counter, then sleepers; above sleepers, then counter): no sleeper is missed.
static void advance(runtime *r, bell *b, _Atomic int64_t *counter, int64_t by) {
  atomic_fetch_add(counter, by);
  if (atomic_load(&b->sleepers) == 0) return;
  pthread_mutex_lock(&r->lock);
  pthread_cond_broadcast(&b->rung);
  pthread_mutex_unlock(&r->lock);
}

void await_groups(shared_run *run, int64_t finished) {
  runtime *r = (runtime *)run;
  await(r, &r->progress, &run->finished, finished);
}

void add_groups(shared_run *run, int64_t finished) {
  runtime *r = (runtime *)run;
  advance(r, &r->progress, &run->finished, finished);
}

static int64_t walk_as(worker *w) {
  runtime *r = w->owner;
  context own = {
      .arena = r->arena.memory, .local = w->local.memory, .scratch = w->scratch.memory, .bindings = r->bindings};
  return walk(&r->run, &own);
}

static void *work(void *argument) {
  worker *w = argument;
  runtime *r = w->owner;
  flush_denormals();
  for (;;) {
    await(r, &r->start, &r->runs, w->runs_seen + 1);
    pthread_mutex_lock(&r->lock);
    w->runs_seen = atomic_load(&r->runs);
    int closing = r->closing, joins = r->open && w->index < r->threads;
    r->joined += joins;
    pthread_mutex_unlock(&r->lock);
    if (closing) return NULL;
    if (!joins) continue;
    walk_as(w);
    advance(r, &r->progress, &r->departed, 1);
  }
}

static void set_bell(bell *b) {
  pthread_cond_init(&b->rung, NULL);
  atomic_init(&b->sleepers, 0);
}

runtime *scantling_runtime_create(void) {
  void *memory;
  if (posix_memalign(&memory, CACHE_LINES, sizeof(runtime)) != 0) return NULL;
  runtime *r = memset(memory, 0, sizeof(runtime));
  pthread_mutex_init(&r->turn, NULL);
  pthread_mutex_init(&r->lock, NULL);
  set_bell(&r->start);
  set_bell(&r->progress);
  r->started = 1;
  r->cores = sysconf(_SC_NPROCESSORS_ONLN);
  for (int i = 0; i < MAX_THREADS; i++) r->workers[i].owner = r, r->workers[i].index = i;
  return r;
}

// Starts the workers that are missing, without signals: those are the caller's.
static void start_workers(runtime *r, int threads) {
  pthread_attr_t attributes;
  sigset_t all, before;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (; r->started < threads; r->started++) {
    worker *w = &r->workers[r->started];
    w->runs_seen = atomic_load(&r->runs);
    if (pthread_create(&w->thread, &attributes, work, w) != 0) break;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
}

static int grow(block *b, int64_t bytes) {
  if (b->memory != NULL && b->bytes >= bytes) return 1;
  scantling_free(b->memory, b->bytes);
  b->bytes = bytes;
  b->memory = scantling_allocate(bytes);
#ifdef SCANTLING_EXACT_MEMORY
  if (b->memory != NULL) memset(b->memory, 0xFF, (size_t)bytes); // NaN: whoever reads before writing is found
#endif
  return b->memory != NULL;
}

static int grow_all(runtime *r, int64_t arena_bytes, int64_t local_bytes, int64_t scratch_bytes) {
  int grown = grow(&r->arena, arena_bytes);
  for (int i = 0; grown && i < r->threads; i++) {
    grown = grow(&r->workers[i].local, local_bytes) && grow(&r->workers[i].scratch, scratch_bytes);
  }
  return grown;
}

static void run_tape(runtime *r) {
  atomic_store(&r->run.ticket, 0);
  atomic_store(&r->run.finished, 0);
  atomic_store(&r->departed, 0);
  pthread_mutex_lock(&r->lock);
  r->joined = 0;
  r->open = 1;
  pthread_mutex_unlock(&r->lock);
  if (r->threads > 1) advance(r, &r->start, &r->runs, 1);
  await_groups(&r->run, walk_as(&r->workers[0]));
  pthread_mutex_lock(&r->lock);
  r->open = 0; // who has not joined by now is not needed
  int64_t joined = r->joined;
  pthread_mutex_unlock(&r->lock);
  await(r, &r->progress, &r->departed, joined);
}

int64_t scantling_run(runtime *r, const word *tape, int64_t words, int64_t arena_bytes, int64_t local_bytes,
                      int64_t scratch_bytes, char *const *bindings, int32_t threads, int64_t *nanoseconds) {
  int64_t fault = find_fault(tape, words);
  if (fault != 0) return fault;
  pthread_mutex_lock(&r->turn);
  threads = (int32_t)larger(1, smaller(threads, MAX_THREADS));
  start_workers(r, threads);
  r->threads = (int)smaller(threads, r->started);
  int crowded = r->threads > r->cores;
  atomic_store(&r->spin, crowded ? CROWDED_SPIN_NANOSECONDS : SPIN_NANOSECONDS);
  r->bindings = bindings;
  r->run.tape = tape, r->run.words = words, r->run.nanoseconds = nanoseconds;
  int grown = grow_all(r, arena_bytes, local_bytes, scratch_bytes);
  if (grown) {
    uint64_t before = flush_denormals();
    run_tape(r);
    restore_denormals(before);
  }
  pthread_mutex_unlock(&r->turn);
  return grown ? RUN_DONE : RUN_OUT_OF_MEMORY;
}

void scantling_runtime_destroy(runtime *r) {
  if (r == NULL) return;
  pthread_mutex_lock(&r->turn);
  pthread_mutex_lock(&r->lock);
  r->closing = 1;
  pthread_mutex_unlock(&r->lock);
  advance(r, &r->start, &r->runs, 1);
  for (int i = 1; i < r->started; i++) pthread_join(r->workers[i].thread, NULL);
  for (int i = 0; i < MAX_THREADS; i++) {
    scantling_free(r->workers[i].local.memory, r->workers[i].local.bytes);
    scantling_free(r->workers[i].scratch.memory, r->workers[i].scratch.bytes);
  }
  scantling_free(r->arena.memory, r->arena.bytes);
  pthread_cond_destroy(&r->start.rung);
  pthread_cond_destroy(&r->progress.rung);
  pthread_mutex_unlock(&r->turn);
  pthread_mutex_destroy(&r->turn);
  pthread_mutex_destroy(&r->lock);
  free(r);
}
