// Causal convolutions as products of polynomials modulo X^M - i, LANES channels in lockstep. Included by
// the kernels that use them; knows no instruction.
//
// A real polynomial of degree < 2M, reduced modulo X^M - i, has coefficients x[n] + i x[n + M]. With M >= times the
// signal is its own reduction, and the real part of the product is the causal part of the convolution: no padding to 2M,
// no separation of a real spectrum. The transform splits X^n - rho into r factors X^(n/r) - s w^k, where s^r = rho and
// w = exp(2 pi i / r), down to linear ones. Twiddles belong to a node of that tree, not to a point, and the tree is
// walked depth first: below the first levels everything stays in the nearest cache, and a leaf is transformed,
// multiplied and transformed back in registers.
#ifndef SCANTLING_CONVOLUTION_TRANSFORM_H
#define SCANTLING_CONVOLUTION_TRANSFORM_H
#include "long_convolution.h"
#include "vector.h"
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef struct {
  vreal re, im;
} point;

typedef struct {
  real re, im;
} twiddle;

typedef struct {
  double re, im;
} root;

INLINE point add(point a, point b) { return (point){a.re + b.re, a.im + b.im}; }
INLINE point subtract(point a, point b) { return (point){a.re - b.re, a.im - b.im}; }
INLINE point multiply(point a, point b) { return (point){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
INLINE point turn(point a, real sign) { return (point){-sign * a.im, sign * a.re}; } // by i or -i

INLINE point rotate(point a, twiddle w) {
  return (point){a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

INLINE point rotate_back(point a, twiddle w) {
  return (point){a.re * w.re + a.im * w.im, a.im * w.re - a.re * w.im};
}

// ---- butterflies: v[k] = sum over j of v[j] exp(sign 2 pi i j k / radix)

INLINE void butterfly_2(point *v) {
  point a = v[0];
  v[0] = add(a, v[1]);
  v[1] = subtract(a, v[1]);
}

INLINE void butterfly_4(point *v, real sign) {
  point even = add(v[0], v[2]), even_turned = subtract(v[0], v[2]);
  point odd = add(v[1], v[3]), odd_turned = turn(subtract(v[1], v[3]), sign);
  v[0] = add(even, odd);
  v[1] = add(even_turned, odd_turned);
  v[2] = subtract(even, odd);
  v[3] = subtract(even_turned, odd_turned);
}

// Pairs v[j], v[radix - j] share a cosine, and their sines differ in sign.
INLINE void butterfly_odd(int radix, point *v, real sign) {
  static const double cosine_3[] = {1, -0.5, -0.5}, sine_3[] = {0, 0.86602540378443864676, -0.86602540378443864676};
  static const double cosine_5[] = {1, 0.30901699437494742410, -0.80901699437494742410, -0.80901699437494742410,
                                    0.30901699437494742410};
  static const double sine_5[] = {0, 0.95105651629515357212, 0.58778525229247312917, -0.58778525229247312917,
                                  -0.95105651629515357212};
  const double *cosine = radix == 3 ? cosine_3 : cosine_5, *sine = radix == 3 ? sine_3 : sine_5;
  point sum[3], difference[3], out[5];
  out[0] = v[0];
  for (int j = 1; j <= radix / 2; j++) {
    sum[j] = add(v[j], v[radix - j]);
    difference[j] = subtract(v[j], v[radix - j]);
    out[0] = add(out[0], sum[j]);
  }
  for (int k = 1; k <= radix / 2; k++) {
    point even = v[0], odd = {vsplat(0), vsplat(0)};
    for (int j = 1; j <= radix / 2; j++) {
      real c = (real)cosine[j * k % radix], s = (real)sine[j * k % radix];
      even = (point){even.re + c * sum[j].re, even.im + c * sum[j].im};
      odd = (point){odd.re + s * difference[j].re, odd.im + s * difference[j].im};
    }
    odd = turn(odd, sign);
    out[k] = add(even, odd);
    out[radix - k] = subtract(even, odd);
  }
  for (int k = 0; k < radix; k++) v[k] = out[k];
}

INLINE void butterfly(int radix, point *v, real sign) {
  if (radix == 2) butterfly_2(v);
  else if (radix == 4) butterfly_4(v, sign);
  else butterfly_odd(radix, v, sign);
}

// From coefficients modulo X^n - s^radix to coefficients modulo each X^(n / radix) - s w^k; w[j - 1] = s^j.
INLINE void split(int radix, point *v, const twiddle *w) {
  for (int j = 1; j < radix; j++) v[j] = rotate(v[j], w[j - 1]);
  butterfly(radix, v, 1);
}

// And back, `radix` times too large.
INLINE void join(int radix, point *v, const twiddle *w) {
  butterfly(radix, v, -1);
  for (int j = 1; j < radix; j++) v[j] = rotate_back(v[j], w[j - 1]);
}

enum direction { SPLIT, JOIN };

INLINE void pass_of(int radix, enum direction direction, point *x, int64_t m, const twiddle *w) {
  for (int64_t j = 0; j < m; j++) {
    point v[5];
    for (int k = 0; k < radix; k++) v[k] = x[j + k * m];
    if (direction == SPLIT) split(radix, v, w);
    else join(radix, v, w);
    for (int k = 0; k < radix; k++) x[j + k * m] = v[k];
  }
}

static void split_pass(int radix, point *x, int64_t m, const twiddle *w) {
  switch (radix) {
  case 2: pass_of(2, SPLIT, x, m, w); break;
  case 3: pass_of(3, SPLIT, x, m, w); break;
  case 4: pass_of(4, SPLIT, x, m, w); break;
  default: pass_of(5, SPLIT, x, m, w); break;
  }
}

static void join_pass(int radix, point *x, int64_t m, const twiddle *w) {
  switch (radix) {
  case 2: pass_of(2, JOIN, x, m, w); break;
  case 3: pass_of(3, JOIN, x, m, w); break;
  case 4: pass_of(4, JOIN, x, m, w); break;
  default: pass_of(5, JOIN, x, m, w); break;
  }
}

INLINE void multiply_leaf_of(int radix, point *x, const point *spectrum, const twiddle *w) {
  point v[5];
  for (int k = 0; k < radix; k++) v[k] = x[k];
  split(radix, v, w);
  for (int k = 0; k < radix; k++) v[k] = multiply(v[k], spectrum[k]);
  join(radix, v, w);
  for (int k = 0; k < radix; k++) x[k] = v[k];
}

static void multiply_leaf(int radix, point *x, const point *spectrum, const twiddle *w) {
  switch (radix) {
  case 2: multiply_leaf_of(2, x, spectrum, w); break;
  case 3: multiply_leaf_of(3, x, spectrum, w); break;
  case 4: multiply_leaf_of(4, x, spectrum, w); break;
  default: multiply_leaf_of(5, x, spectrum, w); break;
  }
}

INLINE void multiply_leaf_both_of(int radix, point *x, point *y, const point *spectrum, point *total, bool both,
                                  const twiddle *w) {
  point u[5], v[5];
  for (int k = 0; k < radix; k++) u[k] = x[k];
  for (int k = 0; k < radix; k++) v[k] = y[k];
  split(radix, u, w);
  split(radix, v, w);
  for (int k = 0; k < radix; k++) total[k] = add(total[k], multiply(u[k], v[k]));
  for (int k = 0; k < radix; k++) v[k] = multiply(v[k], spectrum[k]);
  join(radix, v, w);
  for (int k = 0; k < radix; k++) y[k] = v[k];
  if (!both) return;
  for (int k = 0; k < radix; k++) u[k] = multiply(u[k], spectrum[k]);
  join(radix, u, w);
  for (int k = 0; k < radix; k++) x[k] = u[k];
}

static void multiply_leaf_both(int radix, point *x, point *y, const point *spectrum, point *total, bool both,
                               const twiddle *w) {
  switch (radix) {
  case 2: multiply_leaf_both_of(2, x, y, spectrum, total, both, w); break;
  case 3: multiply_leaf_both_of(3, x, y, spectrum, total, both, w); break;
  case 4: multiply_leaf_both_of(4, x, y, spectrum, total, both, w); break;
  default: multiply_leaf_both_of(5, x, y, spectrum, total, both, w); break;
  }
}

// ---- the tree; twiddles lie in the order in which nodes are met, and each walk returns where the next ones begin

static const twiddle *transform(const word *factors, int64_t n, point *x, const twiddle *w) {
  int radix = factors[0];
  int64_t m = n / radix;
  split_pass(radix, x, m, w);
  w += radix - 1;
  for (int k = 0; k < radix && m > 1; k++) w = transform(factors + 1, m, x + k * m, w);
  return w;
}

// The way back from `transform`, n times too large.
static const twiddle *transform_back(const word *factors, int64_t n, point *x, const twiddle *w) {
  int radix = factors[0];
  int64_t m = n / radix;
  const twiddle *own = w;
  w += radix - 1;
  for (int k = 0; k < radix && m > 1; k++) w = transform_back(factors + 1, m, x + k * m, w);
  join_pass(radix, x, m, own);
  return w;
}

// x times what `spectrum` is the transform of, n times too large.
static const twiddle *multiply_by(const word *factors, int64_t n, point *x, const point *spectrum, const twiddle *w) {
  int radix = factors[0];
  int64_t m = n / radix;
  const twiddle *own = w;
  w += radix - 1;
  if (m == 1) {
    multiply_leaf(radix, x, spectrum, own);
    return w;
  }
  split_pass(radix, x, m, own);
  for (int k = 0; k < radix; k++) w = multiply_by(factors + 1, m, x + k * m, spectrum + k * m, w);
  join_pass(radix, x, m, own);
  return w;
}

// `total` += the transform of x times that of y; y becomes what multiply_by makes of it, and x, too, if `both`.
static const twiddle *multiply_both(const word *factors, int64_t n, point *x, point *y, const point *spectrum,
                                    point *total, bool both, const twiddle *w) {
  int radix = factors[0];
  int64_t m = n / radix;
  const twiddle *own = w;
  w += radix - 1;
  if (m == 1) {
    multiply_leaf_both(radix, x, y, spectrum, total, both, own);
    return w;
  }
  split_pass(radix, x, m, own);
  split_pass(radix, y, m, own);
  for (int k = 0; k < radix; k++) {
    w = multiply_both(factors + 1, m, x + k * m, y + k * m, spectrum + k * m, total + k * m, both, w);
  }
  join_pass(radix, y, m, own);
  if (both) join_pass(radix, x, m, own);
  return w;
}

// ---- twiddles

// exp(2 pi i turns) for 0 <= turns <= 1: Taylor series on the nearest quarter.
static root unit_root(double turns) {
  int quarter = (int)(turns * 4 + 0.5);
  double x = (turns - quarter * 0.25) * 6.283185307179586476925, square = x * x, sine = 0, cosine = 0;
  for (int n = 16; n >= 2; n -= 2) {
    cosine = (1 - cosine) * square / (n * (n - 1));
    sine = (1 - sine) * square / (n * (n + 1));
  }
  cosine = 1 - cosine;
  sine = x * (1 - sine);
  switch (quarter & 3) {
  case 0: return (root){cosine, sine};
  case 1: return (root){-sine, cosine};
  case 2: return (root){-cosine, -sine};
  default: return (root){sine, -cosine};
  }
}

// All powers of exp(2 pi i / size) as products of two roots: powers[i & mask] * powers[mask + 1 + (i >> bits)].
typedef struct {
  const root *powers;
  int bits;
} root_table;

static root_table make_roots(root *powers, int64_t size) {
  int bits = 0;
  while ((int64_t)1 << 2 * bits < size) bits++;
  int64_t fine = (int64_t)1 << bits;
  for (int64_t i = 0; i < fine; i++) powers[i] = unit_root((double)smaller(i, size) / (double)size);
  for (int64_t i = 0; i << bits < size; i++) powers[fine + i] = unit_root((double)(i << bits) / (double)size);
  return (root_table){powers, bits};
}

static twiddle power_of(const root_table *t, int64_t i) {
  int64_t fine = (int64_t)1 << t->bits;
  root a = t->powers[i & (fine - 1)], b = t->powers[fine + (i >> t->bits)];
  return (twiddle){(real)(a.re * b.re - a.im * b.im), (real)(a.re * b.im + a.im * b.re)};
}

// The node's modulus is X^n - exp(2 pi i angle / size), where size = 4 * points.
static twiddle *make_twiddles(const root_table *t, const word *factors, int64_t n, int64_t angle, int64_t size,
                              twiddle *w) {
  int64_t radix = factors[0];
  for (int64_t j = 1; j < radix; j++) *w++ = power_of(t, angle / radix * j);
  for (int64_t k = 0; k < radix && n > radix; k++) {
    w = make_twiddles(t, factors + 1, n / radix, angle / radix + k * (size / radix), size, w);
  }
  return w;
}

// ---- signals

// LANES neighbouring channels (or the first `channels` of them) over time.
typedef struct {
  real *at;
  int64_t time, times, channels;
} signal;

INLINE vreal read_signal(const signal *s, int64_t t) {
  const real *at = s->at + t * s->time;
  return s->channels == LANES ? vload(at) : vload_part(at, s->channels);
}

INLINE void write_signal(const signal *s, int64_t t, vreal v) {
  real *at = s->at + t * s->time;
  if (s->channels == LANES) vstore(at, v);
  else vstore_part(at, v, s->channels);
}

static inline signal reversed(signal s) {
  return (signal){s.at + (s.times - 1) * s.time, -s.time, s.times, s.channels};
}

// Where a transform's input comes from: a signal, times one number for each time where there is such a factor.
typedef struct {
  signal of;
  const real *factor;
  int64_t factor_time;
} source;

INLINE vreal read_source(const source *s, int64_t t) {
  if (t >= s->of.times) return vsplat(0);
  vreal v = read_signal(&s->of, t);
  if (s->factor) v *= s->factor[t * s->factor_time];
  return v;
}

// Where a transform's output goes. With `with`, it is a sum: to += out * factor, and dot += the sum over channels of
// out * with; either may be absent (NULL).
typedef struct {
  signal to, with;
  const real *factor;
  real *dot;
  int64_t factor_time, dot_time;
} sink;

INLINE void write_sink(const sink *s, int64_t t, vreal v) {
  if (t >= s->to.times) return;
  if (s->factor) write_signal(&s->to, t, read_signal(&s->to, t) + v * s->factor[t * s->factor_time]);
  else if (s->to.at) write_signal(&s->to, t, v);
  if (s->dot) s->dot[t * s->dot_time] += vsum(v * read_signal(&s->with, t));
}

// The first pass, of real input.
static void split_source(const source *s, real scale, point *x, int64_t m, const twiddle *w) {
  for (int64_t j = 0; j < m; j++) {
    point v[4] = {{scale * read_source(s, j), vsplat(0)}};
    for (int k = 1; k < 4; k++) {
      vreal in = scale * read_source(s, j + k * m);
      v[k] = (point){in * w[k - 1].re, in * w[k - 1].im};
    }
    butterfly_4(v, 1);
    for (int k = 0; k < 4; k++) x[j + k * m] = v[k];
  }
}

// The last pass, of which only the real part is wanted.
static void join_sink(const sink *s, const point *x, int64_t m, const twiddle *w) {
  for (int64_t j = 0; j < m; j++) {
    point v[4];
    for (int k = 0; k < 4; k++) v[k] = x[j + k * m];
    butterfly_4(v, -1);
    write_sink(s, j, v[0].re);
    for (int k = 1; k < 4; k++) write_sink(s, j + k * m, v[k].re * w[k - 1].re + v[k].im * w[k - 1].im);
  }
}

typedef struct {
  const word *factors;
  int64_t points;
  const twiddle *twiddles;
  point *spectrum; // of the kernel
  point *work;
} workspace;

static workspace prepare(const context *c, const convolution_sizes *l, int buffers) {
  point *spectrum = (point *)c->scratch;
  root *roots = (root *)(spectrum + buffers * (int64_t)l->points);
  int64_t size = 4 * (int64_t)l->points;
  root_table table = make_roots(roots, size);
  twiddle *twiddles = (twiddle *)(roots + ((int64_t)2 << table.bits));
  make_twiddles(&table, l->factors, l->points, l->points, size, twiddles);
  return (workspace){l->factors, l->points, twiddles, spectrum, spectrum + l->points};
}

// Divides by what the way there and back multiplies by.
static void transform_kernel(const workspace *s, const source *k) {
  int64_t m = s->points / 4;
  const twiddle *w = s->twiddles;
  split_source(k, (real)(1.0 / (double)s->points), s->spectrum, m, w);
  w += 3;
  for (int i = 0; i < 4 && m > 1; i++) w = transform(s->factors + 1, m, s->spectrum + i * m, w);
}

static inline void convolve(const workspace *s, const source *x, const sink *result) {
  int64_t m = s->points / 4;
  const twiddle *w = s->twiddles;
  split_source(x, 1, s->work, m, w);
  w += 3;
  if (m == 1) {
    for (int i = 0; i < 4; i++) s->work[i] = multiply(s->work[i], s->spectrum[i]);
  } else {
    for (int i = 0; i < 4; i++) w = multiply_by(s->factors + 1, m, s->work + i * m, s->spectrum + i * m, w);
  }
  join_sink(result, s->work, m, s->twiddles);
}

// of_g = g convolved with the kernel, and of_x = x convolved with it where that is wanted; `total` += the transform of g
// convolved with x.
static inline void convolve_both(const workspace *s, const source *x, const source *g, const sink *of_g,
                                 const sink *of_x, point *total) {
  int64_t m = s->points / 4;
  const twiddle *w = s->twiddles;
  point *other = total + s->points;
  split_source(x, 1, other, m, w);
  split_source(g, 1, s->work, m, w);
  w += 3;
  for (int i = 0; i < 4 && m == 1; i++) {
    total[i] = add(total[i], multiply(other[i], s->work[i]));
    s->work[i] = multiply(s->work[i], s->spectrum[i]);
    other[i] = multiply(other[i], s->spectrum[i]);
  }
  for (int i = 0; i < 4 && m > 1; i++) {
    int64_t at = i * m;
    w = multiply_both(s->factors + 1, m, other + at, s->work + at, s->spectrum + at, total + at, of_x != NULL, w);
  }
  join_sink(of_g, s->work, m, s->twiddles);
  if (of_x) join_sink(of_x, other, m, s->twiddles);
}

static inline void write_total(const workspace *s, point *total, const sink *result) {
  int64_t m = s->points / 4;
  vreal scale = vsplat((real)(1.0 / (double)s->points));
  for (int64_t i = 0; i < s->points; i++) total[i] = (point){total[i].re * scale, total[i].im * scale};
  const twiddle *w = s->twiddles + 3;
  for (int i = 0; i < 4 && m > 1; i++) w = transform_back(s->factors + 1, m, total + i * m, w);
  join_sink(result, total, m, s->twiddles);
}

#endif
