// Running sums along the last axis.
#ifndef SCANTLING_CUMULATIVE_SUM_H
#define SCANTLING_CUMULATIVE_SUM_H
#include "tape.h"

// result[r, j] = sum of x[r, i] over i <= j (i < j when exclusive), or over i >= j (i > j) when reverse.
// header.rows = rows; `x_column` and `result_column` elements from column to column, operand.item from row to row.
// Reals (summed in double), i32 or u32 (wrapping). The result may be x itself.
typedef struct {
  header h;
  word length, exclusive, reverse, x_column, result_column;
  operand x, result;
} cumulative_sum;

kernel run_cumulative_sum;

#endif
