// Attention and its gradient: what their instructions hold. Knows shapes and strides only.
//
//   out[b, i, h] = Σ_j softmax_j(scale * q[b, i, h] · k[b, j, h']) v[b, j, h'],  h' = h / (query_heads / key_heads)
//
// Query i stands at position offset + i; key j at j. Key j is visible to position p iff
//   causal: j <= p, and j > p - window where there is a window
//   else:   |j - p| < window where there is a window
// A query that sees no key gets out = 0 and log_sum_exp = -infinity, and passes no gradient on. Keys and values that no
// query sees are not read.
#ifndef SCANTLING_ATTENTION_H
#define SCANTLING_ATTENTION_H
#include "tape.h"

// header.rows = batch where heads_per_row = key_heads; batch * key_heads (key heads innermost) where heads_per_row = 1.
// operand.item of a view: elements from one batch entry to the next. Other strides in elements; width has stride 1.
typedef struct {
  header h;
  word heads_per_row;
  word query_length, key_length, query_heads, key_heads, width, value_width;
  word causal, window;  // window 0: none
  word scale[2];        // a double, its low word first
  operand q, k, v, out; // [batch, length, heads, width or value_width]
  operand log_sum_exp;  // [batch, query_heads, query_length], natural logarithm of Σ_j exp(scale * q · k)
  operand offset;       // one i32; absent: 0
  word q_token, q_head, k_token, k_head, v_token, v_head, out_token, out_head, log_token, log_head;
} attention;

// Reads q, k, v, out, log_sum_exp and d_out; writes all of dq, dk, dv, of the shapes of q, k, v, which must not overlap
// what is read. Gradients of a key sum over the query heads of its group, then over the queries, in ascending order.
typedef struct {
  attention forward;
  operand d_out, dq, dk, dv;
  word d_out_token, d_out_head, dq_token, dq_head, dk_token, dk_head, dv_token, dv_head;
} attention_gradient;

// Bytes of context.scratch that the kernels use; the encoder computes the same numbers.
int64_t attention_scratch_bytes(int64_t key_length, int64_t width, int64_t value_width);
int64_t attention_gradient_scratch_bytes(int64_t key_length, int64_t width, int64_t value_width);

kernel run_attention, run_attention_gradient;

#endif
