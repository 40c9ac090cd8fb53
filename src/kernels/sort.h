// Sort of the last axis, whole or only the first few.
#ifndef SCANTLING_SORT_H
#define SCANTLING_SORT_H
#include "tape.h"

// Sorts every row of x [rows, length] stably: equal elements (-0 equals 0) keep their order and NaN comes last, in both
// directions. Writes the first `count` elements to values [rows, count] and their positions to permutation (i32); either
// may be SPACE_NONE. x: reals, i32 or u32, consecutive within a row; operand.item = elements from row to row.
// Scratch: 2 * length * (sizeof(real) + 4) bytes rounded up to lines, as sortScratchBytes says.
typedef struct {
  header h;
  word length, count, descending;
  operand x, values, permutation;
} sort;

kernel run_sort;

#endif
