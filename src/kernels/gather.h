// Gather: rows of a table by index.
#ifndef SCANTLING_GATHER_H
#define SCANTLING_GATHER_H
#include "tape.h"

// result[i, :] = x[indices[i], :], or zeros where the index is not in 0..table-1. header.rows = number of indices.
// x [table, width] with `x_row` elements from row to row; indices i32. Copies bits, so any type will do.
// operand.item of indices and result: elements from one index (one row) to the next.
typedef struct {
  header h;
  word table, width, x_row;
  operand x, indices, result;
} gather;

kernel run_gather;

#endif
