// Scatter-add: the transpose of a gather.
#ifndef SCANTLING_SCATTER_ADD_H
#define SCANTLING_SCATTER_ADD_H
#include "tape.h"

// result[n, :] = sum of updates[i, :] over all i with indices[i] = n, in the order of i; other indices are dropped.
// updates [count, width], result [table, width]: `updates_row` and `result_row` elements from row to row; reals, i32 or
// u32. Cut into blocks of the result: header.rows = ceil(table / table_block) * ceil(width / width_block), blocks of one
// range of table rows being neighbours. Every block reads all indices.
typedef struct {
  header h;
  word count, table, width, table_block, width_block, updates_row, result_row;
  operand updates, indices, result; // indices.item: elements from one index to the next
} scatter_add;

kernel run_scatter_add;

#endif
