// Outer products of keys and values under one long causal convolution for each head, read by queries, and the gradient.
#ifndef SCANTLING_HEAD_CONVOLUTION_H
#define SCANTLING_HEAD_CONVOLUTION_H
#include "long_convolution.h"

// y[b, t, h, j] = sum over i of q[b, t, h, i] * sum over s <= t of kernel[s, h] * v[b, t - s, h, i] * k[b, t - s, h, j].
// q, k, v, y [batch, time, head * width] with consecutive channels, kernel [time, head]; (batch, time) strides and rows
// in elements; sizes.channels = heads * width.
// header.rows = heads * ceil(batch / batch_part), the parts of one head being neighbours.
// Scratch: as for the long convolution.
typedef struct {
  header h;
  convolution_sizes sizes;
  word heads, batch_part;
  word q_stride[2], k_stride[2], v_stride[2], kernel_row, result_stride[2];
  operand q, k, v, kernel, result;
} head_convolution;

// From the gradient g of y those of q, k, v and kernel. header.rows = heads. Scratch: as for the long convolution's.
typedef struct {
  header h;
  convolution_sizes sizes;
  word heads;
  word q_stride[2], k_stride[2], v_stride[2], kernel_row, g_stride[2], dq_stride[2], dk_stride[2], dv_stride[2];
  word dkernel_row;
  operand q, k, v, kernel, g, dq, dk, dv, dkernel;
} head_convolution_gradient;

kernel run_head_convolution;
kernel run_head_convolution_gradient;

#endif
