// Products over groups of rows whose sizes are known only at run time (mixtures of experts).
#ifndef SCANTLING_GROUPED_PRODUCT_H
#define SCANTLING_GROUPED_PRODUCT_H
#include "tape.h"

// Group e is rows offsets[e] .. offsets[e + 1] - 1; offsets [groups + 1] i32, ascending, cut to 0 .. rows.

// y[n, :] = x[n, :] w[e] for n in group e, zeros for rows in no group. x [rows, depth], y [rows, columns], consecutive
// within a row; w [groups, depth, columns] by strides, so a transposed use swaps `w_depth` and `w_column`.
// header.rows = ceil(columns / column_block) * ceil(rows / row_block), the row blocks of one block of columns being
// neighbours. Cut by rows of x, not by groups: one large group is shared out as well as many small ones.
// Scratch: see groupedProductScratchBytes.
typedef struct {
  header h;
  word rows, depth, columns, groups, row_block, column_block;
  word x_row, y_row, w_group, w_depth, w_column;
  operand x, w, offsets, y;
} grouped_product;

// z[e] = the sum over n in group e of the outer products of x[n, :] and y[n, :]; x [rows, depth], y [rows, columns],
// z [groups, depth, columns] without gaps.
// header.rows = groups * ceil(depth / depth_block) * ceil(columns / column_block), the tiles of a group being neighbours.
// Scratch: see groupedOuterScratchBytes.
typedef struct {
  header h;
  word rows, depth, columns, groups, depth_block, column_block;
  word x_row, y_row;
  operand x, y, offsets, z;
} grouped_outer;

enum { OUTER_CHUNK = 256 }; // rows summed at once; chunks are counted from the start of the group

kernel run_grouped_product;
kernel run_grouped_outer;

#endif
