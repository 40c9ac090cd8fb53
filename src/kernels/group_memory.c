// Between memory of any element type and stride and the tiles of a group.
#include "group_map.h"
#include "storage.h"

// to[j] = from[j * stride] for one row; `stride` is a constant where this is inlined for contiguous rows.
ALWAYS_INLINE void load_row(word type, char *restrict to, const char *restrict from, int64_t stride, int64_t n) {
  real *number = (real *)to;
  lane *integer = (lane *)to;
  switch (type) {
  case TYPE_REAL:
    for (int64_t j = 0; j < n; j++) memcpy(to + j * (int64_t)sizeof(real), from + j * stride * (int64_t)sizeof(real), sizeof(real));
    break;
  case TYPE_I32:
    for (int64_t j = 0; j < n; j++) integer[j] = ((const int32_t *)from)[j * stride];
    break;
  case TYPE_U32:
    for (int64_t j = 0; j < n; j++) integer[j] = (lane)((const uint32_t *)from)[j * stride];
    break;
  case TYPE_BOOL:
    for (int64_t j = 0; j < n; j++) integer[j] = ((const uint8_t *)from)[j * stride];
    break;
  case TYPE_F16:
    for (int64_t j = 0; j < n; j++) number[j] = half_to_float(((const uint16_t *)from)[j * stride]);
    break;
  default:
    for (int64_t j = 0; j < n; j++) number[j] = bfloat_to_float(((const uint16_t *)from)[j * stride]);
  }
}

// Row of the tile inner, where that is the direction in which memory runs.
static void load_transposed(const task *t) {
  const view *from = &t->operand[0];
  for (int64_t j = 0; j < t->length; j++) {
    const real *column = (const real *)from->base + j * from->column;
    for (int64_t r = 0; r < t->rows; r++) memcpy(row_of(&t->result, r) + j, column + r * from->row, sizeof(real));
  }
}

void group_load(const task *t) {
  const view *from = &t->operand[0];
  int64_t bytes = element_bytes(from->type);
  if (from->type == TYPE_REAL && from->offsets == NULL && t->rows > 1 && from->row == 1 && from->column > 1) {
    load_transposed(t);
    return;
  }
  for (int64_t r = 0; r < t->rows; r++) {
    char *to = (char *)row_of(&t->result, r);
    const char *row = from->base + offset_of(from, r) * bytes;
    if (from->column == 1) load_row(from->type, to, row, 1, t->length);
    else load_row(from->type, to, row, from->column, t->length);
  }
}

// to[j * stride] = from[j * step], step being 0 for a number that stands for its row.
ALWAYS_INLINE void store_row(word type, char *restrict to, int64_t stride, const char *restrict from, int64_t step,
                             int64_t n) {
  const real *number = (const real *)from;
  const lane *integer = (const lane *)from;
  switch (type) {
  case TYPE_REAL:
    for (int64_t j = 0; j < n; j++) memcpy(to + j * stride * (int64_t)sizeof(real), from + j * step * (int64_t)sizeof(real), sizeof(real));
    break;
  case TYPE_I32:
  case TYPE_U32:
    for (int64_t j = 0; j < n; j++) ((uint32_t *)to)[j * stride] = (uint32_t)integer[j * step];
    break;
  case TYPE_BOOL:
    for (int64_t j = 0; j < n; j++) ((uint8_t *)to)[j * stride] = integer[j * step] != 0;
    break;
  case TYPE_F16:
    for (int64_t j = 0; j < n; j++) ((uint16_t *)to)[j * stride] = float_to_half((float)number[j * step]);
    break;
  default:
    for (int64_t j = 0; j < n; j++) ((uint16_t *)to)[j * stride] = float_to_bfloat((float)number[j * step]);
  }
}

void group_store(const task *t) {
  const view *to = &t->result, *from = &t->operand[0];
  int64_t bytes = element_bytes(to->type);
  for (int64_t r = 0; r < t->rows; r++) {
    char *row = to->base + offset_of(to, r) * bytes;
    const char *source = (const char *)row_of(from, r);
    if (to->column == 1 && from->column == 1) store_row(to->type, row, 1, source, 1, t->length);
    else store_row(to->type, row, to->column, source, from->column, t->length);
  }
}
