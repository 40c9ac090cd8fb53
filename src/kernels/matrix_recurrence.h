// A matrix state each of whose rows fades at its own rate, and its gradient: what their instructions hold. For each batch
// entry and head, from S_0 = 0,
//
//   S_t = diag(a_t) S_{t-1} + k_t v_tᵀ,   out_t = S_tᵀ q_t, or S_{t-1}ᵀ q_t where `reads_before`.
#ifndef SCANTLING_MATRIX_RECURRENCE_H
#define SCANTLING_MATRIX_RECURRENCE_H
#include "tape.h"

// Tokens of which the gradient computes the states again, from the one before them. Blocks are counted from the last
// token, so that the first block may be shorter.
enum { RECURRENCE_BLOCK = 32 };

// [batch, length, heads, width or value_width]: place.item is the stride of batch; the last axis has stride 1.
typedef struct {
  operand place;
  word token, head;
} token_view;

// header.rows = batch where heads_per_row = heads; batch * heads (heads innermost) where heads_per_row = 1. Matrices
// [width, value_width] lie without gaps, those of the heads of a batch entry one after the other.
typedef struct {
  header h;
  word heads_per_row;
  word length, heads, width, value_width, reads_before;
  token_view q, k, v, a;
  operand starts; // [batch, blocks, heads, width, value_width]: the state before each block
  token_view out;
  operand last; // [batch, heads, width, value_width]: the state after the last token
} matrix_recurrence;

// Reads `starts` as the recurrence wrote it; writes all of dq, dk, dv, da, which must not overlap what is read.
typedef struct {
  header h;
  word heads_per_row;
  word length, heads, width, value_width, reads_before;
  token_view q, k, v, a;
  operand starts;
  token_view d_out, dq, dk, dv, da;
} matrix_recurrence_gradient;

// context.scratch holds RECURRENCE_BLOCK * (6 * wide + 3 * value_wide) + 2 * wide * value_wide numbers, where wide and
// value_wide are the widths padded to multiples of 16.
kernel run_matrix_recurrence, run_matrix_recurrence_gradient;

#endif
