// The peak of one thread, measured: multiply-adds on registers, as the kernels do them (../peak.c does it for native code).
#include "probe.h"
#include "../vector.h"
#include "../walk.h"

enum { CHAINS = 12, ROUNDS = 1 << 14 }; // sixteen registers: twelve sums, the factor and the term

// ROUNDS multiply-adds on each of CHAINS independent sums.
static vreal run_chains(vreal factor, vreal term) {
  vreal a = term, b = a + term, c = b + term, d = c + term, e = d + term, f = e + term;
  vreal g = f + term, h = g + term, i = h + term, j = i + term, k = j + term, l = k + term;
  for (int round = 0; round < ROUNDS; round++) {
    a = vfma(a, factor, term), b = vfma(b, factor, term), c = vfma(c, factor, term), d = vfma(d, factor, term);
    e = vfma(e, factor, term), f = vfma(f, factor, term), g = vfma(g, factor, term), h = vfma(h, factor, term);
    i = vfma(i, factor, term), j = vfma(j, factor, term), k = vfma(k, factor, term), l = vfma(l, factor, term);
  }
  return a + b + c + d + e + f + g + h + i + j + k + l;
}

double probe_gflops(int32_t milliseconds) {
  volatile real half = (real)0.5; // not a constant to the compiler
  vreal factor = vsplat(half), sum = {0};
  int64_t start = nanoseconds_now(), end = start, rounds = 0;
  for (; end - start < milliseconds * INT64_C(1000000); end = nanoseconds_now(), rounds += ROUNDS)
    sum += run_chains(factor, factor);
  volatile real sink = sum[0]; // all of it is needed
  (void)sink;
  return (double)rounds * CHAINS * 2 * LANES / (double)(end - start);
}
