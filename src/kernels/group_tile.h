// How a group's instructions see one tile: views of operands and the shape of the work. Shared by group.c, which
// prepares them, and group_*.c, which compute.
#ifndef SCANTLING_GROUP_TILE_H
#define SCANTLING_GROUP_TILE_H
#include "group.h"
#include "vector.h"

// Row r of the tile begins at base + (offsets ? offsets[r] : r * row) elements; column j is j * column further.
typedef struct {
  char *base;
  int64_t row, column;
  const int64_t *offsets;
  word type;
} view;

// One instruction on one tile. Elementwise functions get it with every column stride 0 or 1.
typedef struct {
  word code;
  int64_t rows, length;
  int64_t first; // flat index of the first element
  view result, operand[3];
} task;

static inline int64_t offset_of(const view *v, int64_t r) { return v->offsets ? v->offsets[r] : r * v->row; }
static inline real *row_of(const view *v, int64_t r) { return (real *)v->base + offset_of(v, r); }

// One number of either kind, in all lanes, bit by bit.
static inline vreal vbroadcast(const real *p) {
  lane bits;
  memcpy(&bits, p, sizeof bits);
  return (vreal)vsplat_lane(bits);
}

static inline lane integer_at(const view *v, int64_t r) {
  lane bits;
  memcpy(&bits, row_of(v, r), sizeof bits);
  return bits;
}

typedef void handler(const task *t);

// Each runs the instructions of its kind. Loads and stores go row by row, from and to memory of any type and stride.
handler group_unary, group_binary, group_integer, group_convert, group_reduce, group_load, group_store, group_iota,
    group_random;

// accumulators[j] += Σ over rows, in their order.
void group_column_sum(const task *t, real *accumulators);
// The sum of `count` contiguous numbers.
real group_total(const view *v, int64_t count);

#endif
