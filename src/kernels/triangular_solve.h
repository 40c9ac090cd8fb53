// Solves triangular systems by substitution.
#ifndef SCANTLING_TRIANGULAR_SOLVE_H
#define SCANTLING_TRIANGULAR_SOLVE_H
#include "tape.h"

// a x = b for x; a [batch, size, size], b and x [batch, size, columns], consecutive columns of b and x. The system to
// solve is lower (forward = 1: first row first) or upper (0: last row first) triangular as read through the strides
// `a_row`, `a_column`, so a transposed system is one with these swapped and `forward` inverted. `unit`: the diagonal
// counts as ones. What is on the other side of the diagonal (and a unit diagonal) is not read.
// header.rows = batch * ceil(columns / column_block): a row is a block of columns of one system, those of one system
// being neighbours. operand.item = elements from system to system. x may be b itself.
typedef struct {
  header h;
  word size, columns, column_block, forward, unit, a_row, a_column, b_row, x_row;
  operand a, b, x;
} triangular_solve;

kernel run_triangular_solve;

#endif
