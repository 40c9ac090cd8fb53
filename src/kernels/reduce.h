// Reduction of the middle axis of a view [A, K, C] of reals or 32-bit integers into a contiguous [A, C].
#ifndef SCANTLING_REDUCE_H
#define SCANTLING_REDUCE_H
#include "tape.h"

enum { REDUCE_SUM, REDUCE_MAXIMUM };

// header.rows = A * column_blocks, a row being `columns_per_block` results of one index of A (fewer in the last block).
// Where A * C is small and K large, the work is split by reducing K1 x K2 twice.
typedef struct {
  header h;
  word kind;
  word depth, columns;                 // K, C
  word column_blocks, columns_per_block;
  operand input, output;               // types: the same, one of TYPE_REAL, TYPE_I32, TYPE_U32
  word input_a, input_k, input_c;      // strides, elements
} reduction;

#endif
