// Reductions of tiles: along rows into columns, and over rows into accumulators.
#include "group_map.h"
#include "row_reduce.h"

static lane wrap(ulane x) { return (lane)(int32_t)(uint32_t)x; }

static lane integer_sum(const lane *a, int64_t n) {
  ulane total = 0;
  for (int64_t j = 0; j < n; j++) total += (ulane)a[j];
  return wrap(total);
}

static lane integer_maximum(const lane *a, int64_t n) {
  lane largest = a[0];
  for (int64_t j = 1; j < n; j++) largest = a[j] > largest ? a[j] : largest;
  return largest;
}

static lane unsigned_maximum(const lane *a, int64_t n) {
  ulane largest = (ulane)a[0];
  for (int64_t j = 1; j < n; j++) largest = (ulane)a[j] > largest ? (ulane)a[j] : largest;
  return (lane)largest;
}

static void integer_rows(const task *t, lane (*f)(const lane *, int64_t)) {
  const view a = t->operand[0], y = t->result;
  for (int64_t r = 0; r < t->rows; r++) {
    lane result = f((const lane *)row_of(&a, r), t->length);
    memcpy(row_of(&y, r), &result, sizeof result);
  }
}

void group_reduce(const task *t) {
  const view a = t->operand[0], b = t->operand[1], y = t->result;
  const int64_t rows = t->rows, length = t->length;
  switch (t->code) {
  case G_ROW_SUM:
    for (int64_t r = 0; r < rows; r++) *row_of(&y, r) = row_sum(row_of(&a, r), length);
    break;
  case G_ROW_DOT:
    for (int64_t r = 0; r < rows; r++) *row_of(&y, r) = row_dot(row_of(&a, r), row_of(&b, r), length);
    break;
  case G_ROW_MAXIMUM:
    for (int64_t r = 0; r < rows; r++) *row_of(&y, r) = row_maximum(row_of(&a, r), length);
    break;
  case G_INT_ROW_SUM: integer_rows(t, integer_sum); break;
  case G_INT_ROW_MAXIMUM: integer_rows(t, integer_maximum); break;
  case G_UINT_ROW_MAXIMUM: integer_rows(t, unsigned_maximum); break;
  }
}

// `vectors` adjacent vectors of accumulators over all rows of the tile.
ALWAYS_INLINE void add_rows(const task *t, real *accumulators, int64_t j, int vectors) {
  vreal total[4];
  for (int k = 0; k < vectors; k++) total[k] = vload(accumulators + j + k * LANES);
  for (int64_t r = 0; r < t->rows; r++) {
    const real *row = row_of(&t->operand[0], r) + j;
    for (int k = 0; k < vectors; k++) total[k] += vload(row + k * LANES);
  }
  for (int k = 0; k < vectors; k++) vstore(accumulators + j + k * LANES, total[k]);
}

void group_column_sum(const task *t, real *accumulators) {
  int64_t j = 0;
  for (; j + 4 * LANES <= t->length; j += 4 * LANES) add_rows(t, accumulators, j, 4);
  for (; j + LANES <= t->length; j += LANES) add_rows(t, accumulators, j, 1);
  int64_t rest = t->length - j;
  if (rest == 0) return;
  vreal total = vload_part(accumulators + j, rest);
  for (int64_t r = 0; r < t->rows; r++) total += vload_part(row_of(&t->operand[0], r) + j, rest);
  vstore_part(accumulators + j, total, rest);
}

real group_total(const view *v, int64_t count) { return row_sum((const real *)v->base, count); }
