// Grouped products: blocks of x meet their groups' matrices; sums of outer products tile by tile.
#include "grouped_product.h"
#include "panel.h"
#include <string.h>

enum { FEW_ROWS = 24 }; // fewer rows than this do not repay a copy of the matrix

static int64_t offset_of(const int32_t *offsets, int64_t group, int64_t rows) {
  return larger(0, smaller(offsets[group], rows));
}

static void clear(real *to, int64_t row, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++) memset(to + r * row, 0, columns * sizeof(real));
}

// A group's columns in the order that products read: a copy that is kept for the next block of rows, or in place.
typedef struct {
  real *scratch;
  int64_t group, column; // of the copy; group -1: none
} copied;

static panels columns_of(const grouped_product *g, const real *w, int64_t group, int64_t column, int64_t columns,
                         int64_t rows, copied *copy) {
  const real *data = w + group * g->w_group + column * g->w_column;
  if (copy->group == group && copy->column == column) return panel_packed(copy->scratch, g->depth, columns);
  if (rows < FEW_ROWS && g->w_column == 1 && columns % LANES == 0) return panel_in_place(data, g->w_depth);
  copy->group = group;
  copy->column = column;
  return panel_pack(copy->scratch, (matrix){data, g->w_depth, g->w_column}, g->depth, columns);
}

void run_grouped_product(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const grouped_product *g = (const grouped_product *)instruction;
  const real *x = place(c, &g->x), *w = place(c, &g->w);
  const int32_t *offsets = place(c, &g->offsets);
  real *y = place(c, &g->y);
  int64_t blocks = (g->rows + g->row_block - 1) / g->row_block;
  copied copy = {(real *)c->scratch, -1, 0};
  for (int64_t block = begin; block < end; block++) {
    int64_t column = block / blocks * g->column_block, columns = smaller(g->column_block, g->columns - column);
    int64_t first = block % blocks * g->row_block, last = smaller(g->rows, first + g->row_block);
    int64_t start = offset_of(offsets, 0, g->rows), stop = offset_of(offsets, g->groups, g->rows);
    clear(y + first * g->y_row + column, g->y_row, smaller(start, last) - first, columns);
    int64_t rest = larger(stop, first);
    clear(y + rest * g->y_row + column, g->y_row, last - rest, columns);
    for (int64_t group = 0; group < g->groups; group++) {
      int64_t from = larger(first, offset_of(offsets, group, g->rows));
      int64_t rows = smaller(last, offset_of(offsets, group + 1, g->rows)) - from;
      if (rows <= 0) continue;
      panels b = columns_of(g, w, group, column, columns, rows, &copy);
      panel_product(rows, columns, g->depth, (matrix){x + from * g->x_row, g->x_row, 1}, b,
                    y + from * g->y_row + column, g->y_row, (matrix){NULL, 0, 0}, 1);
    }
  }
}

void run_grouped_outer(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const grouped_outer *g = (const grouped_outer *)instruction;
  const real *x = place(c, &g->x), *y = place(c, &g->y);
  const int32_t *offsets = place(c, &g->offsets);
  real *z = place(c, &g->z);
  int64_t across = (g->columns + g->column_block - 1) / g->column_block;
  int64_t tiles = across * ((g->depth + g->depth_block - 1) / g->depth_block);
  for (int64_t tile = begin; tile < end; tile++) {
    int64_t group = tile / tiles, row = tile % tiles / across * g->depth_block;
    int64_t column = tile % across * g->column_block;
    int64_t rows = smaller(g->depth_block, g->depth - row), columns = smaller(g->column_block, g->columns - column);
    int64_t first = offset_of(offsets, group, g->rows), last = offset_of(offsets, group + 1, g->rows);
    real *to = z + (group * g->depth + row) * g->columns + column;
    if (first >= last) clear(to, g->columns, rows, columns);
    for (int64_t n = first; n < last; n += OUTER_CHUNK) {
      int64_t many = smaller(OUTER_CHUNK, last - n);
      panels b = panel_pack((real *)c->scratch, (matrix){y + n * g->y_row + column, g->y_row, 1}, many, columns);
      panel_product(rows, columns, many, (matrix){x + n * g->x_row + row, 1, g->x_row}, b, to, g->columns,
                    (matrix){n == first ? NULL : to, g->columns, 1}, 1);
    }
  }
}
