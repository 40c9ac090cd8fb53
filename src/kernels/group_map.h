// Loops that apply a scalar function to a tile. Inlined where the function is known, with one loop for each choice of
// operands that vary along a row and operands that are one number per row. They copy the views that they are given: a
// store might change the original for all that the compiler knows, and rows can be as short as one vector.
#ifndef SCANTLING_GROUP_MAP_H
#define SCANTLING_GROUP_MAP_H
#include "group_tile.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef vreal unary_function(vreal);
typedef vreal binary_function(vreal, vreal);
typedef vreal ternary_function(vreal, vreal, vreal);

ALWAYS_INLINE void map1_rows(const task *t, unary_function *f, bool one) {
  const int64_t rows = t->rows, whole = t->length / LANES * LANES, rest = t->length - whole;
  const view result = t->result, operand = t->operand[0];
  for (int64_t r = 0; r < rows; r++) {
    real *y = row_of(&result, r);
    const real *a = row_of(&operand, r);
    vreal constant = one ? f(vbroadcast(a)) : (vreal){0};
    for (int64_t j = 0; j < whole; j += LANES) vstore(y + j, one ? constant : f(vload(a + j)));
    if (rest > 0) vstore_part(y + whole, one ? constant : f(vload_part(a + whole, rest)), rest);
  }
}

ALWAYS_INLINE void map1(const task *t, unary_function *f) {
  if (t->operand[0].column == 0) map1_rows(t, f, true);
  else map1_rows(t, f, false);
}

ALWAYS_INLINE void map2_rows(const task *t, binary_function *f, bool one_a, bool one_b) {
  const int64_t rows = t->rows, whole = t->length / LANES * LANES, rest = t->length - whole;
  const view result = t->result, first = t->operand[0], second = t->operand[1];
  for (int64_t r = 0; r < rows; r++) {
    real *y = row_of(&result, r);
    const real *a = row_of(&first, r), *b = row_of(&second, r);
    vreal constant_a = vbroadcast(a), constant_b = vbroadcast(b);
    for (int64_t j = 0; j < whole; j += LANES) {
      vstore(y + j, f(one_a ? constant_a : vload(a + j), one_b ? constant_b : vload(b + j)));
    }
    if (rest > 0) {
      vreal last_a = one_a ? constant_a : vload_part(a + whole, rest);
      vreal last_b = one_b ? constant_b : vload_part(b + whole, rest);
      vstore_part(y + whole, f(last_a, last_b), rest);
    }
  }
}

ALWAYS_INLINE void map2(const task *t, binary_function *f) {
  switch (t->operand[0].column * 2 + t->operand[1].column) {
  case 0: map2_rows(t, f, true, true); break;
  case 1: map2_rows(t, f, true, false); break;
  case 2: map2_rows(t, f, false, true); break;
  default: map2_rows(t, f, false, false);
  }
}

ALWAYS_INLINE void map3_rows(const task *t, ternary_function *f, bool one_a, bool one_b, bool one_c) {
  const int64_t rows = t->rows, whole = t->length / LANES * LANES, rest = t->length - whole;
  const view result = t->result, first = t->operand[0], second = t->operand[1], third = t->operand[2];
  for (int64_t r = 0; r < rows; r++) {
    real *y = row_of(&result, r);
    const real *a = row_of(&first, r), *b = row_of(&second, r), *c = row_of(&third, r);
    vreal constant_a = vbroadcast(a), constant_b = vbroadcast(b), constant_c = vbroadcast(c);
    for (int64_t j = 0; j < whole; j += LANES) {
      vstore(y + j, f(one_a ? constant_a : vload(a + j), one_b ? constant_b : vload(b + j),
                      one_c ? constant_c : vload(c + j)));
    }
    if (rest > 0) {
      vreal last_a = one_a ? constant_a : vload_part(a + whole, rest);
      vreal last_b = one_b ? constant_b : vload_part(b + whole, rest);
      vreal last_c = one_c ? constant_c : vload_part(c + whole, rest);
      vstore_part(y + whole, f(last_a, last_b, last_c), rest);
    }
  }
}

ALWAYS_INLINE void map3(const task *t, ternary_function *f) {
  switch (t->operand[0].column * 4 + t->operand[1].column * 2 + t->operand[2].column) {
  case 0: map3_rows(t, f, true, true, true); break;
  case 1: map3_rows(t, f, true, true, false); break;
  case 2: map3_rows(t, f, true, false, true); break;
  case 3: map3_rows(t, f, true, false, false); break;
  case 4: map3_rows(t, f, false, true, true); break;
  case 5: map3_rows(t, f, false, true, false); break;
  case 6: map3_rows(t, f, false, false, true); break;
  default: map3_rows(t, f, false, false, false);
  }
}

#endif
