// Scalar functions of reals on a tile.
#include "group_map.h"

static inline vreal negate(vreal a) { return -a; }
static inline vreal reciprocal(vreal a) { return 1 / a; }
static inline vreal truth(vlane mask) { return (vreal)(mask & 1); } // bools are lanes of 0 and 1
static inline vreal is_finite(vreal a) { return truth(a - a == 0); }

void group_unary(const task *t) {
  switch (t->code) {
  case G_NEGATE: map1(t, negate); break;
  case G_ABS: map1(t, vabs); break;
  case G_SIGN: map1(t, vsign); break;
  case G_FLOOR: map1(t, vfloor); break;
  case G_ROUND: map1(t, vround); break;
  case G_EXP: map1(t, vexp); break;
  case G_LOG: map1(t, vlog); break;
  case G_SQRT: map1(t, vsqrt); break;
  case G_RECIPROCAL: map1(t, reciprocal); break;
  case G_SINE: map1(t, vsin); break;
  case G_COSINE: map1(t, vcos); break;
  case G_TANH: map1(t, vtanh); break;
  case G_SIGMOID: map1(t, vsigmoid); break;
  case G_ERF: map1(t, verf); break;
  case G_IS_FINITE: map1(t, is_finite); break;
  }
}

static inline vreal add(vreal a, vreal b) { return a + b; }
static inline vreal subtract(vreal a, vreal b) { return a - b; }
static inline vreal multiply(vreal a, vreal b) { return a * b; }
static inline vreal divide(vreal a, vreal b) { return a / b; }
static inline vreal equal(vreal a, vreal b) { return truth(a == b); }
static inline vreal not_equal(vreal a, vreal b) { return truth(a != b); }
static inline vreal less(vreal a, vreal b) { return truth(a < b); }
static inline vreal less_equal(vreal a, vreal b) { return truth(a <= b); }
static inline vreal select(vreal condition, vreal a, vreal b) { return vblend((vlane)condition != 0, a, b); }

void group_binary(const task *t) {
  switch (t->code) {
  case G_ADD: map2(t, add); break;
  case G_SUBTRACT: map2(t, subtract); break;
  case G_MULTIPLY: map2(t, multiply); break;
  case G_DIVIDE: map2(t, divide); break;
  case G_POWER: map2(t, vpower); break;
  case G_MAXIMUM: map2(t, vmaximum); break;
  case G_MINIMUM: map2(t, vminimum); break;
  case G_EQUAL: map2(t, equal); break;
  case G_NOT_EQUAL: map2(t, not_equal); break;
  case G_LESS: map2(t, less); break;
  case G_LESS_EQUAL: map2(t, less_equal); break;
  case G_MULTIPLY_ADD: map3(t, vfma); break;
  case G_SELECT: map3(t, select); break;
  }
}
