// The machine's peak, measured: fused multiply-adds on registers, as wide as the machine has them.
#define _GNU_SOURCE // clock_gettime and pthreads beside -std=c11
#include "processor.h"
#include "runtime.h"
#include "walk.h"
#include <pthread.h>

#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64 };
#elif defined(__AVX__)
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif

typedef real wide __attribute__((vector_size(VECTOR_BYTES)));

enum { CHAINS = 12, ROUNDS = 1 << 14 }; // chains hide the latency of an FMA: 4 cycles on 2 units need 8

typedef struct {
  _Atomic int32_t *waiting; // threads that have not started yet
  int64_t nanoseconds;
  double gflops;
  volatile real sink;
} probe;

// ROUNDS multiply-adds on each of CHAINS independent sums.
static wide run_chains(wide factor, wide term) {
  wide a = term, b = a + term, c = b + term, d = c + term, e = d + term, f = e + term;
  wide g = f + term, h = g + term, i = h + term, j = i + term, k = j + term, l = k + term;
  for (int round = 0; round < ROUNDS; round++) {
    a = a * factor + term, b = b * factor + term, c = c * factor + term, d = d * factor + term;
    e = e * factor + term, f = f * factor + term, g = g * factor + term, h = h * factor + term;
    i = i * factor + term, j = j * factor + term, k = k * factor + term, l = l * factor + term;
  }
  return a + b + c + d + e + f + g + h + i + j + k + l;
}

static void *measure(void *argument) {
  probe *p = argument;
  volatile real half = (real)0.5; // not a constant to the compiler
  wide factor = (wide){0} + half, sum = {0};
  atomic_fetch_sub(p->waiting, 1);
  while (atomic_load(p->waiting) > 0) breathe();
  int64_t start = nanoseconds_now(), end = start, rounds = 0;
  for (; end - start < p->nanoseconds; end = nanoseconds_now(), rounds += ROUNDS) sum += run_chains(factor, factor);
  p->sink = sum[0];
  p->gflops = (double)rounds * CHAINS * 2 * (VECTOR_BYTES / sizeof(real)) / (double)(end - start);
  return NULL;
}

double scantling_peak_gflops(int32_t threads, int32_t milliseconds) {
  threads = (int32_t)larger(1, smaller(threads, MAX_THREADS));
  _Atomic int32_t waiting = threads;
  probe probes[MAX_THREADS];
  pthread_t others[MAX_THREADS];
  int started = 1;
  for (int t = 0; t < threads; t++) probes[t] = (probe){.waiting = &waiting, .nanoseconds = milliseconds * INT64_C(1000000)};
  for (int t = 1; t < threads && pthread_create(&others[t], NULL, measure, &probes[t]) == 0; t++) started++;
  atomic_fetch_sub(&waiting, threads - started);
  measure(&probes[0]);
  double gflops = probes[0].gflops;
  for (int t = 1; t < started; t++) {
    pthread_join(others[t], NULL);
    gflops += probes[t].gflops;
  }
  return gflops;
}
