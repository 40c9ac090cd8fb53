// Vectors of `real`: types, memory, blends and sums through the compilers' vector extensions. The only file that knows
// instruction sets; the maths on top is in vector_math.h, which this file includes.
#ifndef SCANTLING_VECTOR_H
#define SCANTLING_VECTOR_H
#include "tape.h"
#include <stdbool.h>
#include <string.h>
#if defined(__AVX512F__) || defined(__AVX__)
#include <immintrin.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

typedef real vreal __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef lane vlane __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef ulane vulane __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef uint32_t vword __attribute__((vector_size(VECTOR_BYTES), may_alias)); // 32-bit words in both builds

enum { LANES = VECTOR_BYTES / sizeof(real), WORD_LANES = VECTOR_BYTES / 4 };

// ---- memory; addresses need only the alignment of their elements

static inline vreal vload(const real *p) {
  vreal v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void vstore(real *p, vreal v) { memcpy(p, &v, sizeof v); }

static inline vlane vload_lanes(const lane *p) {
  vlane v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void vstore_lanes(lane *p, vlane v) { memcpy(p, &v, sizeof v); }

static inline vreal vsplat(real x) { return x - (vreal){0}; } // x - 0 keeps the sign of -0
static inline vlane vsplat_lane(lane x) { return x + (vlane){0}; }

// The first n elements (0 <= n < LANES), zeros behind them; memory beyond is not touched.
static inline vreal vload_part(const real *p, int64_t n) {
#if VECTOR_BYTES == 64 && !defined(SCANTLING_DOUBLE)
  return (vreal)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif VECTOR_BYTES == 64
  return (vreal)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
#else
  real part[LANES] = {0};
  for (int64_t i = 0; i < n; i++) part[i] = p[i];
  return vload(part);
#endif
}

static inline void vstore_part(real *p, vreal v, int64_t n) {
#if VECTOR_BYTES == 64 && !defined(SCANTLING_DOUBLE)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif VECTOR_BYTES == 64
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
#else
  real part[LANES];
  vstore(part, v);
  for (int64_t i = 0; i < n; i++) p[i] = part[i];
#endif
}

// ---- masks: comparisons give lanes of -1 (true) or 0

static inline vlane vblend_lanes(vlane mask, vlane a, vlane b) { return (mask & a) | (~mask & b); }
static inline vreal vblend(vlane mask, vreal a, vreal b) { return (vreal)vblend_lanes(mask, (vlane)a, (vlane)b); }

// Lanes below n true: what vload_part fills.
static inline vlane vbelow(int64_t n) {
  lane first[LANES];
  for (int i = 0; i < LANES; i++) first[i] = i;
  return vload_lanes(first) < vsplat_lane((lane)n);
}

// ---- arithmetic that operators do not give

// One rounding where the machine has FMA; on WebAssembly two, unless results may depend on the machine.
static inline vreal vfma(vreal a, vreal b, vreal c) {
#if defined(__wasm_relaxed_simd__)
  return (vreal)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
  return a * b + c;
#endif
}

// a > b ? a : b; b where either is NaN.
static inline vreal vlarger(vreal a, vreal b) {
#if VECTOR_BYTES == 64 && !defined(SCANTLING_DOUBLE)
  return (vreal)_mm512_max_ps((__m512)a, (__m512)b);
#elif VECTOR_BYTES == 32 && !defined(SCANTLING_DOUBLE)
  return (vreal)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__wasm_simd128__)
  return (vreal)wasm_f32x4_pmax((v128_t)b, (v128_t)a);
#else
  return vblend(a > b, a, b);
#endif
}

// a < b ? a : b; b where either is NaN.
static inline vreal vsmaller(vreal a, vreal b) {
#if VECTOR_BYTES == 64 && !defined(SCANTLING_DOUBLE)
  return (vreal)_mm512_min_ps((__m512)a, (__m512)b);
#elif VECTOR_BYTES == 32 && !defined(SCANTLING_DOUBLE)
  return (vreal)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__wasm_simd128__)
  return (vreal)wasm_f32x4_pmin((v128_t)b, (v128_t)a);
#else
  return vblend(a < b, a, b);
#endif
}

// Like vlarger and vsmaller, but NaN wherever either is.
static inline vreal vmaximum(vreal a, vreal b) { return vblend(a != a, a, vlarger(a, b)); }
static inline vreal vminimum(vreal a, vreal b) { return vblend(a != a, a, vsmaller(a, b)); }

static inline vreal vsqrt(vreal x) {
#if VECTOR_BYTES == 64 && !defined(SCANTLING_DOUBLE)
  return (vreal)_mm512_sqrt_ps((__m512)x);
#elif VECTOR_BYTES == 64
  return (vreal)_mm512_sqrt_pd((__m512d)x);
#elif VECTOR_BYTES == 32 && !defined(SCANTLING_DOUBLE)
  return (vreal)_mm256_sqrt_ps((__m256)x);
#elif VECTOR_BYTES == 32
  return (vreal)_mm256_sqrt_pd((__m256d)x);
#elif defined(__wasm_simd128__)
  return (vreal)wasm_f32x4_sqrt((v128_t)x);
#else
  for (int i = 0; i < LANES; i++) x[i] = sizeof(real) == 4 ? __builtin_sqrtf((float)x[i]) : __builtin_sqrt(x[i]);
  return x;
#endif
}

// ---- across lanes, always by halves: (x0 + x8) + …, an order that depends on nothing but the vector width

typedef struct {
  real x[LANES];
} vlanes;

static inline vlanes vunpack(vreal v) {
  vlanes l;
  vstore(l.x, v);
  return l;
}

#if VECTOR_BYTES == 64 && !defined(SCANTLING_DOUBLE)
static inline real vsum(vreal v) {
  __m256 h = _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
#elif VECTOR_BYTES == 32 && !defined(SCANTLING_DOUBLE)
static inline real vsum(vreal v) {
  __m128 q = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}
#elif defined(__wasm_simd128__)
static inline real vsum(vreal v) {
  v += (vreal)wasm_i32x4_shuffle((v128_t)v, (v128_t)v, 2, 3, 0, 1);
  return v[0] + v[1];
}
#else
static inline real vsum(vreal v) {
  vlanes l = vunpack(v);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) l.x[i] += l.x[i + half];
  return l.x[0];
}
#endif

// Largest lane; NaN if any is.
#if VECTOR_BYTES >= 32 && !defined(SCANTLING_DOUBLE)
static inline real vlargest(vreal v) {
#if VECTOR_BYTES == 64
  if (_mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q)) return __builtin_nanf("");
  __m256 h = _mm256_max_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#else
  __m256 h = (__m256)v;
  if (_mm256_movemask_ps(_mm256_cmp_ps(h, h, _CMP_UNORD_Q))) return __builtin_nanf("");
#endif
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}
#else
static inline real vlargest(vreal v) {
  vlanes l = vunpack(v);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) l.x[i] = l.x[i] > l.x[i + half] || l.x[i] != l.x[i] ? l.x[i] : l.x[i + half];
  return l.x[0];
}
#endif

#include "vector_math.h"
#endif
