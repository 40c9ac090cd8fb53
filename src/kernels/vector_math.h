// exp, log, tanh … on vectors. Floats by range reduction and polynomials, all within 3 units in the last place; doubles
// by the C library, lane by lane. Polynomial coefficients: least-maximum fits of the function named beside them.
#ifndef SCANTLING_VECTOR_MATH_H
#define SCANTLING_VECTOR_MATH_H
#include "vector.h"

static inline vreal vabs(vreal x) { return (vreal)((vlane)x & ~(vlane)vsplat((real)-0.0)); }
static inline vlane vsign_bit(vreal x) { return (vlane)x & (vlane)vsplat((real)-0.0); }
static inline vreal vwith_sign(vreal magnitude, vreal sign) { return (vreal)((vlane)magnitude | vsign_bit(sign)); }

// -1, 0 or 1; NaN for NaN.
static inline vreal vsign(vreal x) { return vblend((x == 0) | (x != x), x, vwith_sign(vsplat(1), x)); }

// Nearest integer, ties to even: adding and subtracting 2^(bits of the mantissa) rounds off the fraction.
static inline vreal vround(vreal x) {
  const vreal whole = vsplat(sizeof(real) == 4 ? (real)0x1p23 : (real)0x1p52);
  vreal magnitude = vabs(x);
  return vblend(magnitude < whole, vwith_sign((magnitude + whole) - whole, x), x);
}

static inline vreal vfloor(vreal x) {
  vreal nearest = vround(x);
  return vblend(nearest > x, nearest - 1, nearest);
}

static inline vreal vtruncate(vreal x) { return vwith_sign(vfloor(vabs(x)), x); }

#ifdef SCANTLING_DOUBLE
#include <math.h>

static inline vreal vper_lane(double (*f)(double), vreal x) {
  for (int i = 0; i < LANES; i++) x[i] = f(x[i]);
  return x;
}
static inline double sigmoid_lane(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

static inline vreal vexp(vreal x) { return vper_lane(exp, x); }
static inline vreal vlog(vreal x) { return vper_lane(log, x); }
static inline vreal vtanh(vreal x) { return vper_lane(tanh, x); }
static inline vreal vsigmoid(vreal x) { return vper_lane(sigmoid_lane, x); }
static inline vreal vsin(vreal x) { return vper_lane(sin, x); }
static inline vreal vcos(vreal x) { return vper_lane(cos, x); }
static inline vreal verf(vreal x) { return vper_lane(erf, x); }
static inline vreal vpower(vreal x, vreal y) {
  for (int i = 0; i < LANES; i++) x[i] = pow(x[i], y[i]);
  return x;
}

#else

// x = n ln 2 + r with |r| <= ln 2 / 2: gives e^r - 1, and n as a float and as an integer. x within ±100000.
typedef struct {
  vreal less_one, n;
  vlane exponent;
} vexp_parts;

static inline vexp_parts vexp_reduce(vreal x) {
  const vreal magic = vsplat(0x1.8p23f); // adding it leaves the nearest integer in the low mantissa bits
  vreal shifted = vfma(x, vsplat(0x1.715476p0f), magic);
  vreal n = shifted - magic;
  vreal r = x - n * 0x1.62e4p-1f; // ln 2 in two parts, the first short enough for n times it to be exact
  r = r - n * 0x1.7f7d1cp-20f;
  vreal p = vfma(r, vsplat(1.3814219e-3f), vsplat(8.368899e-3f)); // (e^r - 1 - r) / r²
  p = vfma(p, r, vsplat(4.1668408e-2f));
  p = vfma(p, r, vsplat(0.1666652f));
  p = vfma(p, r, vsplat(0.49999994f));
  return (vexp_parts){vfma(r * r, p, r), n, (vlane)shifted - (vlane)magic};
}

// 2^n for -126 <= n <= 127.
static inline vreal vpower_of_two(vlane n) { return (vreal)((n + 127) << 23); }

static inline vreal vexp(vreal x) {
  x = vlarger(vsplat(-104), vsmaller(vsplat(89), x)); // beyond: exactly 0 and infinity; NaN passes
  vexp_parts e = vexp_reduce(x);
#if VECTOR_BYTES == 64
  return (vreal)_mm512_scalef_ps((__m512)(e.less_one + 1), (__m512)e.n);
#else
  vlane half = e.exponent >> 1; // in two steps, for results below the smallest normal number
  return (e.less_one + 1) * vpower_of_two(half) * vpower_of_two(e.exponent - half);
#endif
}

static inline vreal vlog(vreal x) {
  vlane tiny = x < 0x1p-126f;
  vreal scaled = vblend(tiny, x * 0x1p24f, x);
  vulane bits = (vulane)scaled;                        // unsigned: those of negative numbers may wrap
  vlane exponent = (vlane)(bits - 0x3f3504f3u) >> 23; // mantissa in [√½, √2)
  vreal f = (vreal)(bits - ((vulane)exponent << 23)) - 1;
  vreal n = __builtin_convertvector(exponent - (tiny & 24), vreal);
  vreal p = vfma(f, vsplat(7.0376836292e-2f), vsplat(-1.1514610310e-1f)); // (log(1+f) - f + f²/2) / f³, Cephes logf
  p = vfma(p, f, vsplat(1.1676998740e-1f));
  p = vfma(p, f, vsplat(-1.2420140846e-1f));
  p = vfma(p, f, vsplat(1.4249322787e-1f));
  p = vfma(p, f, vsplat(-1.6668057665e-1f));
  p = vfma(p, f, vsplat(2.0000714765e-1f));
  p = vfma(p, f, vsplat(-2.4999993993e-1f));
  p = vfma(p, f, vsplat(3.3333331174e-1f));
  vreal square = f * f;
  vreal low = vfma(p, f * square, n * -2.12194440e-4f);
  vreal result = vfma(n, vsplat(0.693359375f), f + vfma(square, vsplat(-0.5f), low));
  result = vblend(x == __builtin_inff(), x, result);
  result = vblend(x == 0, vsplat(-__builtin_inff()), result);
  return vblend((x < 0) | (x != x), vsplat(__builtin_nanf("")), result);
}

// (e^2x - 1) / (e^2x + 1), with e^2x - 1 formed without cancellation.
static inline vreal vtanh(vreal x) {
  vreal bounded = vlarger(vsplat(-10), vsmaller(vsplat(10), x)); // ±1 exactly beyond
  vexp_parts e = vexp_reduce(bounded + bounded);
  vreal scale = vpower_of_two(e.exponent);
  vreal difference = vfma(scale, e.less_one, scale - 1);
  return difference / (difference + 2);
}

static inline vreal vsigmoid(vreal x) {
  vreal e = vexp((vreal)((vlane)x | (vlane)vsplat(-0.0f))); // e^-|x|: never overflows
  return vblend(x < 0, e, vsplat(1)) / (e + 1);
}

// sin and cos of x = n π/2 + r: π/2 in four parts of which n times the first three are exact up to |x| = 10^5. Beyond, the
// result loses accuracy but stays within [-1, 1].
static inline vreal vsine_of_quarter(vreal x, lane quarters) {
  vreal n = vround(x * 0x1.45f306p-1f);
  vreal r = x - n * 0x1.92p0f;
  r = r - n * 0x1.fap-12f;
  r = r - n * 0x1.54p-20f;
  r = r - n * 0x1.10b462p-30f;
  r = vlarger(vsplat(-1), vsmaller(vsplat(1), r));
  vreal wrapped = vlarger(vsplat(-0x1p30f), vsmaller(vsplat(0x1p30f), n));
  wrapped = vblend(wrapped == wrapped, wrapped, vsplat(0));
  vlane quadrant = __builtin_convertvector(wrapped, vlane) + quarters;
  vreal s = r * r;
  vreal sine = vfma(s, vsplat(-1.9515295891e-4f), vsplat(8.3321608736e-3f)); // (sin r - r) / r³, Cephes sinf
  sine = vfma(sine, s, vsplat(-1.6666654611e-1f));
  sine = vfma(sine * s, r, r);
  vreal cosine = vfma(s, vsplat(2.443315711809948e-5f), vsplat(-1.388731625493765e-3f)); // Cephes cosf
  cosine = vfma(cosine, s, vsplat(4.166664568298827e-2f));
  cosine = vfma(cosine, s * s, vfma(s, vsplat(-0.5f), vsplat(1)));
  vreal result = vblend((quadrant & 1) != 0, cosine, sine);
  result = (vreal)((vlane)result ^ (((quadrant & 2) != 0) & (vlane)vsplat(-0.0f)));
  return vblend(vabs(x) < __builtin_inff(), result, x - x); // NaN for infinities and NaN
}

static inline vreal vsin(vreal x) { return vsine_of_quarter(x, 0); }
static inline vreal vcos(vreal x) { return vsine_of_quarter(x, 1); }

static inline vreal verf(vreal x) {
  vreal t = vabs(x);
  vreal s = x * x;
  vreal near = vfma(s, vsplat(-5.907961e-4f), vsplat(4.976833e-3f)); // erf(x) / x - 1, |x| <= 0.94
  near = vfma(near, s, vsplat(-2.6755437e-2f));
  near = vfma(near, s, vsplat(0.112815075f));
  near = vfma(near, s, vsplat(-0.37612465f));
  near = vfma(near, s, vsplat(0.12837915f));
  near = vfma(near, x, x);
  vreal bounded = vsmaller(vsplat(4), t); // erf rounds to 1 beyond
  vreal far = vfma(bounded, vsplat(1.1522464e-5f), vsplat(-3.2565437e-4f)); // -log(1 - erf(t)) / t - 1
  far = vfma(far, bounded, vsplat(3.6537705e-3f));
  far = vfma(far, bounded, vsplat(-2.378536e-2f));
  far = vfma(far, bounded, vsplat(0.10626316f));
  far = vfma(far, bounded, vsplat(0.6351359f));
  far = vfma(far, bounded, vsplat(0.12865217f));
  far = 1 - vexp(-vfma(far, bounded, bounded));
  return vblend(t < 0.94f, near, vwith_sign(far, x));
}

// ---- power: 2^(y log2 |x|) in doubles, half a vector at a time

typedef double vdouble __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t vlong __attribute__((vector_size(VECTOR_BYTES)));
typedef float vhalf __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef union {
  vreal whole;
  vhalf half[2];
} vhalves;

static inline vdouble vblend_double(vlong mask, vdouble a, vdouble b) {
  return (vdouble)((mask & (vlong)a) | (~mask & (vlong)b));
}

// log2 of x > 0, to 1e-11: log2(m) = 2/ln 2 (s + s³/3 + …) with s = (m - 1) / (m + 1).
static inline vdouble vlog2_double(vdouble x) {
  vlong bits = (vlong)x;
  vlong exponent = (bits - 0x3fe6a09e667f3bcd) >> 52;
  vdouble m = (vdouble)(bits - (exponent << 52));
  vdouble s = (m - 1) / (m + 1), t = s * s;
  vdouble p = t * (2.0 / 13) + 2.0 / 11;
  p = p * t + 2.0 / 9;
  p = p * t + 2.0 / 7;
  p = p * t + 2.0 / 5;
  p = p * t + 2.0 / 3;
  p = p * t + 2.0;
  vdouble n = (vdouble)((exponent & 0xffffffff) ^ 0x4330000080000000) - 0x1.000008p52; // exact for 32-bit integers
  vdouble result = s * p * 1.4426950408889634 + n;
  result = vblend_double(x == __builtin_inf(), x, result);
  return vblend_double(x == 0, -__builtin_inf() - (vdouble){0}, result);
}

// 2^x, to 1e-12 within ±1000.
static inline vdouble vpower_of_two_double(vdouble x) {
  const double magic = 0x1.8p52;
  x = vblend_double(x > 1000, 1000 - (vdouble){0}, vblend_double(x < -1000, -1000 - (vdouble){0}, x));
  vdouble shifted = x + magic;
  vdouble r = (x - (shifted - magic)) * 0.6931471805599453;
  vdouble p = r * (1.0 / 3628800) + 1.0 / 362880;
  const double factorial[] = {1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1};
  for (int i = 0; i < 9; i++) p = p * r + factorial[i];
  vlong exponent = (vlong)shifted - (vlong)(magic + (vdouble){0});
  return p * (vdouble)((exponent + 1023) << 52);
}

// x^y as JavaScript has it: 1 for y = 0, NaN for 1^±∞; the sign of negative bases by the parity of whole exponents.
static inline vreal vpower(vreal x, vreal y) {
  vhalves base = {vabs(x)}, exponent = {y}, result;
  for (int i = 0; i < 2; i++) {
    vdouble t = vlog2_double(__builtin_convertvector(base.half[i], vdouble));
    t = t * __builtin_convertvector(exponent.half[i], vdouble);
    result.half[i] = __builtin_convertvector(vpower_of_two_double(t), vhalf);
  }
  vlane whole = vfloor(y) == y;
  vlane odd = whole & (vfloor(y * 0.5f) * 2 != y);
  vreal power = (vreal)((vlane)result.whole | (odd & vsign_bit(x)));
  power = vblend((x < 0) & ~whole & (x != -__builtin_inff()), vsplat(__builtin_nanf("")), power);
  power = vblend(x != x, x, power);
  return vblend(y == 0, vsplat(1), power);
}
#endif
#endif
