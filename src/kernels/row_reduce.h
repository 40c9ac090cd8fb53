// Sums, products and maxima of contiguous numbers: four vectors of accumulators, in an order that depends on the count
// alone. Shared by groups and by the reduction of views.
#ifndef SCANTLING_ROW_REDUCE_H
#define SCANTLING_ROW_REDUCE_H
#include "vector.h"

typedef vreal accumulate(vreal total, vreal a, vreal b);
typedef vreal combine(vreal a, vreal b);

// total = f(total, a[i], b[i]) over four interleaved streams of vectors, then pairs of streams combined. Lanes beyond
// the last element keep `start`.
static inline __attribute__((always_inline)) vreal reduce_vectors(const real *a, const real *b, int64_t n, vreal start,
                                                                  accumulate *f, combine *g) {
  vreal total[4] = {start, start, start, start};
  int64_t j = 0;
  for (; j + 4 * LANES <= n; j += 4 * LANES) {
    for (int k = 0; k < 4; k++) total[k] = f(total[k], vload(a + j + k * LANES), vload(b + j + k * LANES));
  }
  for (; j + LANES <= n; j += LANES) total[0] = f(total[0], vload(a + j), vload(b + j));
  if (j < n) {
    vreal last = f(total[1], vload_part(a + j, n - j), vload_part(b + j, n - j));
    total[1] = vblend(vbelow(n - j), last, total[1]);
  }
  return g(g(total[0], total[1]), g(total[2], total[3]));
}

static inline vreal plus(vreal a, vreal b) { return a + b; }
static inline vreal plus_first(vreal total, vreal a, vreal b) {
  (void)b;
  return total + a;
}
static inline vreal plus_product(vreal total, vreal a, vreal b) { return vfma(a, b, total); }
static inline vreal larger_first(vreal total, vreal a, vreal b) {
  (void)b;
  return vmaximum(total, a);
}

static inline real row_sum(const real *a, int64_t n) {
  return vsum(reduce_vectors(a, a, n, vsplat(0), plus_first, plus));
}
static inline real row_dot(const real *a, const real *b, int64_t n) {
  return vsum(reduce_vectors(a, b, n, vsplat(0), plus_product, plus));
}
static inline real row_maximum(const real *a, int64_t n) {
  return vlargest(reduce_vectors(a, a, n, vsplat(-(real)__builtin_inf()), larger_first, vmaximum));
}

#endif
