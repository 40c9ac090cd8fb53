// Every kernel, and which opcode runs it. A kernel may use at most 256 KiB of stack, runs with denormals flushed to
// zero (processor.h) and may read, never write, up to LINE_BYTES past the end of any operand.
#ifndef SCANTLING_KERNELS_H
#define SCANTLING_KERNELS_H
#include "opcodes.h"
#include "tape.h"

kernel run_group, run_contract, run_pack, run_reduce, run_attention, run_attention_gradient, run_rotary, run_gather,
    run_scatter_add, run_sort, run_cumulative_sum, run_triangular_solve, run_grouped_product, run_grouped_outer,
    run_long_convolution, run_short_convolution, run_short_convolution_gradient, run_linear_recurrence,
    run_dynamic_slice, run_dynamic_update, run_selective_scan, run_selective_scan_gradient,
    run_long_convolution_gradient, run_head_convolution, run_head_convolution_gradient, run_matrix_recurrence,
    run_matrix_recurrence_gradient;

// NULL for OP_INNER_LOOP, which the walker runs itself, and for numbers that are no opcode.
static inline kernel *kernel_of(word opcode) {
  static kernel *const kernels[OP_CODES] = {
      [OP_GROUP] = run_group,
      [OP_CONTRACT] = run_contract,
      [OP_PACK] = run_pack,
      [OP_REDUCE] = run_reduce,
      [OP_ATTENTION] = run_attention,
      [OP_ATTENTION_GRADIENT] = run_attention_gradient,
      [OP_ROTARY] = run_rotary,
      [OP_GATHER] = run_gather,
      [OP_SCATTER_ADD] = run_scatter_add,
      [OP_SORT] = run_sort,
      [OP_CUMULATIVE_SUM] = run_cumulative_sum,
      [OP_TRIANGULAR_SOLVE] = run_triangular_solve,
      [OP_GROUPED_PRODUCT] = run_grouped_product,
      [OP_GROUPED_OUTER] = run_grouped_outer,
      [OP_LONG_CONVOLUTION] = run_long_convolution,
      [OP_SHORT_CONVOLUTION] = run_short_convolution,
      [OP_SHORT_CONVOLUTION_GRADIENT] = run_short_convolution_gradient,
      [OP_LINEAR_RECURRENCE] = run_linear_recurrence,
      [OP_DYNAMIC_SLICE] = run_dynamic_slice,
      [OP_DYNAMIC_UPDATE] = run_dynamic_update,
      [OP_SELECTIVE_SCAN] = run_selective_scan,
      [OP_SELECTIVE_SCAN_GRADIENT] = run_selective_scan_gradient,
      [OP_LONG_CONVOLUTION_GRADIENT] = run_long_convolution_gradient,
      [OP_HEAD_CONVOLUTION] = run_head_convolution,
      [OP_HEAD_CONVOLUTION_GRADIENT] = run_head_convolution_gradient,
      [OP_MATRIX_RECURRENCE] = run_matrix_recurrence,
      [OP_MATRIX_RECURRENCE_GRADIENT] = run_matrix_recurrence_gradient,
  };
  return opcode < 0 || opcode >= OP_CODES ? NULL : kernels[opcode];
}

#endif
