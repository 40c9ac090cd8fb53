// What JavaScript calls in the WebAssembly build: runs of tapes on threads that are JavaScript workers. Knows no kernel.
// The twin of ../runtime.c.
//
// Every thread has an instance of this module on one shared memory, and a stack of its own. Workers call `work` and stay
// there; whoever wants a tape run calls `run`, one caller at a time, which JavaScript sees to. Whoever has to wait spins
// for as long as waking up would take, then sleeps on the counter that it waits for.
#include "../walk.h"
#include "probe.h"

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))

IMPORT("now") double milliseconds_now(void);

enum { MAX_THREADS = 64, CLOSED = INT32_MIN, SECOND = 1000000000 };

// How a tape is run. src/backend/wasm/threads.ts writes it word by word.
typedef struct {
  const word *tape;
  word words;
  char *arena;
  char *blocks; // the threads' own memory, block_bytes each: LOCAL operands, scratch from local_bytes on
  word local_bytes, block_bytes;
  char *const *bindings;
  int64_t *nanoseconds; // or NULL: see scantling_run
  word spin_microseconds;
  word probe_milliseconds; // not 0: no tape is run, every thread measures how fast it multiplies and adds
} order;

static struct {
  shared_run run;                                     // first: the walker's host functions get its address
  _Alignas(CACHE_LINES) _Atomic int64_t runs;         // started so far
  _Alignas(CACHE_LINES) _Atomic int64_t departed;     // workers that have left the current run
  _Alignas(CACHE_LINES) _Atomic int32_t joined;       // workers that have entered it; negative: none may any more
  _Alignas(CACHE_LINES) _Atomic int32_t idle, behind; // threads asleep until a run starts; until others have finished
  _Atomic int32_t abandoned; // a thread has failed: nobody waits for what it had taken
  const order *order;
  double gflops[MAX_THREADS];
} host;

int64_t nanoseconds_now(void) { return (int64_t)(milliseconds_now() * 1e6); }

// Sequentially consistent on both sides (here sleepers, then value; in `advance` value, then sleepers): no sleeper is missed.
static void await(_Atomic int64_t *value, int64_t least, _Atomic int32_t *sleepers, double spin) {
  if (atomic_load_explicit(value, memory_order_acquire) >= least) return;
  double until = milliseconds_now() + spin;
  do {
    for (int i = 0; i < 256; i++)
      if (atomic_load_explicit(value, memory_order_acquire) >= least) return;
  } while (milliseconds_now() < until);
  atomic_fetch_add(sleepers, 1);
  for (int64_t seen; (seen = atomic_load(value)) < least;) {
    if (atomic_load(&host.abandoned)) __builtin_trap();
    __builtin_wasm_memory_atomic_wait64((long long *)value, seen, SECOND);
  }
  atomic_fetch_sub(sleepers, 1);
}

static void advance(_Atomic int64_t *value, int64_t by, _Atomic int32_t *sleepers) {
  atomic_fetch_add(value, by);
  if (atomic_load(sleepers) > 0) __builtin_wasm_memory_atomic_notify((int *)value, UINT32_MAX);
}

static double spin(void) { return host.order == NULL ? 0 : host.order->spin_microseconds * 1e-3; }

void await_groups(shared_run *run, int64_t finished) { await(&run->finished, finished, &host.behind, spin()); }
void add_groups(shared_run *run, int64_t finished) { advance(&run->finished, finished, &host.behind); }

static int64_t take_part(int32_t thread) {
  const order *o = host.order;
  if (o->probe_milliseconds > 0) {
    host.gflops[thread] = probe_gflops(o->probe_milliseconds);
    return 0;
  }
  char *block = o->blocks + (size_t)thread * (size_t)o->block_bytes;
  context own = {.arena = o->arena, .local = block, .scratch = block + o->local_bytes, .bindings = o->bindings};
  return walk(&host.run, &own);
}

// A run that a worker finds started may be over, or the next one may have started: it takes part in whichever is open.
static int join(void) {
  int32_t joined = atomic_load(&host.joined);
  while (joined >= 0)
    if (atomic_compare_exchange_weak(&host.joined, &joined, joined + 1)) return 1;
  return 0;
}

// Never returns: JavaScript ends the worker.
EXPORT("work") void work(int32_t thread) {
  for (int64_t seen = 0;;) {
    await(&host.runs, seen + 1, &host.idle, spin());
    seen = atomic_load(&host.runs);
    if (!join()) continue;
    take_part(thread);
    advance(&host.departed, 1, &host.behind);
  }
}

// 0 if the tape can be run, otherwise one more than the index of its first broken word.
EXPORT("fault") int32_t fault(const word *tape, int32_t words) { return (int32_t)find_fault(tape, words); }

EXPORT("run") void run(const order *o) {
  if (atomic_load(&host.abandoned)) __builtin_trap();
  host.order = o;
  host.run.tape = o->tape, host.run.words = o->words, host.run.nanoseconds = o->nanoseconds;
  for (int i = 0; i < MAX_THREADS; i++) host.gflops[i] = 0;
  atomic_store(&host.run.ticket, 0);
  atomic_store(&host.run.finished, 0);
  atomic_store(&host.departed, 0);
  atomic_store(&host.joined, 0);
  advance(&host.runs, 1, &host.idle);
  await_groups(&host.run, take_part(0));
  int32_t joined = atomic_fetch_add(&host.joined, CLOSED); // who has not joined by now is not needed
  await(&host.departed, joined, &host.behind, spin());
}

// Called when a thread has failed. Those that wait for it fail within a second, later runs at once.
EXPORT("abandon") void abandon(void) { atomic_store(&host.abandoned, 1); }

// After a run that measured: GFLOP/s of all threads together.
EXPORT("gflops") double gflops(void) {
  double sum = 0;
  for (int i = 0; i < MAX_THREADS; i++) sum += host.gflops[i];
  return sum;
}
