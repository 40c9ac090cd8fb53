// Runs single instructions, each operand in an allocation of its own so that sanitizers see every step outside. Knows the
// kernels' calling convention only.
//
// Input file, 32-bit words: number of cases, then for each: words, scratch bytes, bindings, bytes of each binding, the
// instruction, the bindings' contents (each padded to words). Output: all bindings' contents, unpadded, in order.
#include "kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BINDINGS = 16 };

static void take(void *to, size_t bytes, FILE *from) {
  if (fread(to, 1, bytes, from) != bytes) exit(3);
}

static kernel *find(word opcode) {
  switch (opcode) {
  case OP_GATHER: return run_gather;
  case OP_SCATTER_ADD: return run_scatter_add;
  case OP_SORT: return run_sort;
  case OP_CUMULATIVE_SUM: return run_cumulative_sum;
  case OP_TRIANGULAR_SOLVE: return run_triangular_solve;
  case OP_GROUPED_PRODUCT: return run_grouped_product;
  case OP_GROUPED_OUTER: return run_grouped_outer;
  case OP_LONG_CONVOLUTION: return run_long_convolution;
  case OP_LONG_CONVOLUTION_GRADIENT: return run_long_convolution_gradient;
  case OP_SHORT_CONVOLUTION: return run_short_convolution;
  case OP_SHORT_CONVOLUTION_GRADIENT: return run_short_convolution_gradient;
  case OP_LINEAR_RECURRENCE: return run_linear_recurrence;
  case OP_DYNAMIC_SLICE: return run_dynamic_slice;
  case OP_DYNAMIC_UPDATE: return run_dynamic_update;
  case OP_MATRIX_RECURRENCE: return run_matrix_recurrence;
  case OP_MATRIX_RECURRENCE_GRADIENT: return run_matrix_recurrence_gradient;
  case OP_SELECTIVE_SCAN: return run_selective_scan;
  case OP_SELECTIVE_SCAN_GRADIENT: return run_selective_scan_gradient;
  case OP_HEAD_CONVOLUTION: return run_head_convolution;
  case OP_HEAD_CONVOLUTION_GRADIENT: return run_head_convolution_gradient;
  default: exit(4);
  }
}

// Groups run from the last to the first, scratch full of NaN before each: nothing may pass from group to group.
static void run(header *instruction, size_t scratch_bytes, char **bindings) {
  kernel *run_rows = find(instruction->opcode);
  int64_t groups = (instruction->rows + instruction->rows_per_group - 1) / instruction->rows_per_group;
  for (int64_t group = groups - 1; group >= 0; group--) {
    context c = {.bindings = bindings, .group = group, .origin = group * instruction->rows_per_group};
    c.scratch = aligned_alloc(LINE_BYTES, round_up(larger(scratch_bytes, 1), LINE_BYTES));
    memset(c.scratch, 0xff, scratch_bytes);
    run_rows(&c, instruction, c.origin, smaller(instruction->rows, c.origin + instruction->rows_per_group));
    free(c.scratch);
  }
}

static void run_case(FILE *in, FILE *out) {
  word sizes[3], bytes[MAX_BINDINGS];
  take(sizes, sizeof sizes, in);
  if (sizes[2] > MAX_BINDINGS) exit(5);
  take(bytes, sizes[2] * sizeof(word), in);
  word *instruction = malloc(sizes[0] * sizeof(word));
  take(instruction, sizes[0] * sizeof(word), in);
  char *bindings[MAX_BINDINGS];
  for (int i = 0; i < sizes[2]; i++) {
    // Kernels may read a line past the end of an operand.
    bindings[i] = aligned_alloc(LINE_BYTES, round_up(bytes[i], LINE_BYTES) + LINE_BYTES);
    memset(bindings[i], 0xff, round_up(bytes[i], LINE_BYTES) + LINE_BYTES);
    take(bindings[i], round_up(bytes[i], sizeof(word)), in);
  }
  run((header *)instruction, sizes[1], bindings);
  for (int i = 0; i < sizes[2]; i++) {
    fwrite(bindings[i], 1, bytes[i], out);
    free(bindings[i]);
  }
  free(instruction);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  if (!in || !out) return 2;
  word cases;
  take(&cases, sizeof cases, in);
  for (word i = 0; i < cases; i++) run_case(in, out);
  fclose(in);
  return fclose(out) ? 2 : 0;
}
