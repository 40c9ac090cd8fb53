// Scalar functions of integers and bools, and casts between them and reals, on a tile. Registers carry integers in the
// lanes of a vreal; arithmetic is done unsigned, so that it wraps, and brought back to 32 bits where lanes are wider.
#include "group_map.h"
#include "storage.h"

static inline vulane bits(vreal x) { return (vulane)x; }
static inline vreal truth(vlane mask) { return (vreal)(mask & 1); }

// Sign extension of the low 32 bits; a no-op where a lane has 32.
static inline vreal as_int(vulane x) {
  const int unused = 8 * (int)sizeof(lane) - 32;
  return (vreal)((vlane)(x << unused) >> unused);
}
static inline vreal as_uint(vulane x) { return (vreal)(x & (ulane)0xffffffff); }

static inline vreal int_negate(vreal a) { return as_int(-bits(a)); }
static inline vreal int_abs(vreal a) { return vblend((vlane)a < 0, int_negate(a), a); }
static inline vreal int_sign(vreal a) { return (vreal)(((vlane)a < 0) - ((vlane)a > 0)); }
static inline vreal int_add(vreal a, vreal b) { return as_int(bits(a) + bits(b)); }
static inline vreal int_subtract(vreal a, vreal b) { return as_int(bits(a) - bits(b)); }
static inline vreal int_multiply(vreal a, vreal b) { return as_int(bits(a) * bits(b)); }
static inline vreal int_maximum(vreal a, vreal b) { return vblend((vlane)a > (vlane)b, a, b); }
static inline vreal int_minimum(vreal a, vreal b) { return vblend((vlane)a < (vlane)b, a, b); }
static inline vreal int_equal(vreal a, vreal b) { return truth((vlane)a == (vlane)b); }
static inline vreal int_not_equal(vreal a, vreal b) { return truth((vlane)a != (vlane)b); }
static inline vreal int_less(vreal a, vreal b) { return truth((vlane)a < (vlane)b); }
static inline vreal int_less_equal(vreal a, vreal b) { return truth((vlane)a <= (vlane)b); }
static inline vreal bit_and(vreal a, vreal b) { return (vreal)(bits(a) & bits(b)); }
static inline vreal bit_or(vreal a, vreal b) { return (vreal)(bits(a) | bits(b)); }
static inline vreal bit_xor(vreal a, vreal b) { return (vreal)(bits(a) ^ bits(b)); }
static inline vreal shift_left(vreal a, vreal b) { return as_int(bits(a) << (bits(b) & 31)); }
static inline vreal shift_right(vreal a, vreal b) { return (vreal)((vlane)a >> (vlane)(bits(b) & 31)); }
static inline vreal logical_not(vreal a) { return truth((vlane)a == 0); }
static inline vreal uint_add(vreal a, vreal b) { return as_uint(bits(a) + bits(b)); }
static inline vreal uint_subtract(vreal a, vreal b) { return as_uint(bits(a) - bits(b)); }
static inline vreal uint_multiply(vreal a, vreal b) { return as_uint(bits(a) * bits(b)); }
static inline vreal uint_maximum(vreal a, vreal b) { return vblend(bits(a) > bits(b), a, b); }
static inline vreal uint_minimum(vreal a, vreal b) { return vblend(bits(a) < bits(b), a, b); }
static inline vreal uint_less(vreal a, vreal b) { return truth(bits(a) < bits(b)); }
static inline vreal uint_less_equal(vreal a, vreal b) { return truth(bits(a) <= bits(b)); }
static inline vreal uint_shift_left(vreal a, vreal b) { return as_uint(bits(a) << (bits(b) & 31)); }
static inline vreal uint_shift_right(vreal a, vreal b) { return (vreal)(bits(a) >> (bits(b) & 31)); }

void group_integer(const task *t) {
  switch (t->code) {
  case G_INT_NEGATE: map1(t, int_negate); break;
  case G_INT_ABS: map1(t, int_abs); break;
  case G_INT_SIGN: map1(t, int_sign); break;
  case G_INT_ADD: map2(t, int_add); break;
  case G_INT_SUBTRACT: map2(t, int_subtract); break;
  case G_INT_MULTIPLY: map2(t, int_multiply); break;
  case G_INT_MAXIMUM: map2(t, int_maximum); break;
  case G_INT_MINIMUM: map2(t, int_minimum); break;
  case G_INT_EQUAL: map2(t, int_equal); break;
  case G_INT_NOT_EQUAL: map2(t, int_not_equal); break;
  case G_INT_LESS: map2(t, int_less); break;
  case G_INT_LESS_EQUAL: map2(t, int_less_equal); break;
  case G_AND: map2(t, bit_and); break;
  case G_OR: map2(t, bit_or); break;
  case G_XOR: map2(t, bit_xor); break;
  case G_SHIFT_LEFT: map2(t, shift_left); break;
  case G_SHIFT_RIGHT: map2(t, shift_right); break;
  case G_NOT: map1(t, logical_not); break;
  case G_UINT_ADD: map2(t, uint_add); break;
  case G_UINT_SUBTRACT: map2(t, uint_subtract); break;
  case G_UINT_MULTIPLY: map2(t, uint_multiply); break;
  case G_UINT_MAXIMUM: map2(t, uint_maximum); break;
  case G_UINT_MINIMUM: map2(t, uint_minimum); break;
  case G_UINT_LESS: map2(t, uint_less); break;
  case G_UINT_LESS_EQUAL: map2(t, uint_less_equal); break;
  case G_UINT_SHIFT_LEFT: map2(t, uint_shift_left); break;
  case G_UINT_SHIFT_RIGHT: map2(t, uint_shift_right); break;
  }
}

// Truncated towards zero, modulo 2^32, 0 for NaN and infinities: the nearest remainder, no larger than the
// number itself, is exact.
static inline vulane wrapped(vreal x) {
  vreal whole = vtruncate(x);
  vreal rest = whole - vround(whole * (real)0x1p-32) * (real)0x1p32;
  rest = vblend(rest >= (real)0x1p31, rest - (real)0x1p32, rest);
  return (vulane)__builtin_convertvector(vblend(x - x == 0, rest, vsplat(0)), vlane);
}

static inline vreal copy(vreal a) { return a; }
static inline vreal real_to_int(vreal a) { return as_int(wrapped(a)); }
static inline vreal real_to_uint(vreal a) { return as_uint(wrapped(a)); }
static inline vreal real_to_bool(vreal a) { return truth(a != 0); }
static inline vreal int_to_real(vreal a) { return __builtin_convertvector((vlane)a, vreal); }
static inline vreal uint_to_real(vreal a) { return __builtin_convertvector(bits(a), vreal); }
static inline vreal int_to_uint(vreal a) { return as_uint(bits(a)); }
static inline vreal uint_to_int(vreal a) { return as_int(bits(a)); }
static inline vreal int_to_bool(vreal a) { return truth((vlane)a != 0); }

static inline vreal round_to_f16(vreal a) {
  vlanes l = vunpack(a);
  for (int i = 0; i < LANES; i++) l.x[i] = half_to_float(float_to_half((float)l.x[i]));
  return vload(l.x);
}
static inline vreal round_to_bf16(vreal a) {
  vlanes l = vunpack(a);
  for (int i = 0; i < LANES; i++) l.x[i] = bfloat_to_float(float_to_bfloat((float)l.x[i]));
  return vload(l.x);
}

void group_convert(const task *t) {
  switch (t->code) {
  case G_COPY: map1(t, copy); break;
  case G_REAL_TO_INT: map1(t, real_to_int); break;
  case G_REAL_TO_UINT: map1(t, real_to_uint); break;
  case G_REAL_TO_BOOL: map1(t, real_to_bool); break;
  case G_INT_TO_REAL: map1(t, int_to_real); break;
  case G_UINT_TO_REAL: map1(t, uint_to_real); break;
  case G_INT_TO_UINT: map1(t, int_to_uint); break;
  case G_UINT_TO_INT: map1(t, uint_to_int); break;
  case G_INT_TO_BOOL: map1(t, int_to_bool); break;
  case G_ROUND_TO_F16: map1(t, round_to_f16); break;
  case G_ROUND_TO_BF16: map1(t, round_to_bf16); break;
  }
}
