// Short causal depthwise convolution and its gradient.
#ifndef SCANTLING_SHORT_CONVOLUTION_H
#define SCANTLING_SHORT_CONVOLUTION_H
#include "tape.h"

// y[b, t, d] = sum over j < taps of kernel[j, d] * x[b, t - j, d], x being zero before its start.
// x, y [batch, time, channel] with consecutive channels, (batch, time) strides in elements; kernel [taps, channels].
// header.rows = batch * ceil(times / time_block), the blocks of one batch index being neighbours.
typedef struct {
  header h;
  word times, channels, taps, time_block;
  word x_stride[2], result_stride[2], kernel_row;
  operand x, kernel, result;
} short_convolution;

// From the gradient g of y:
//   dx[b, s, d]      = sum over j of kernel[j, d] * g[b, s + j, d]
//   dkernel[j, d]    = sum over b, t of g[b, t, d] * x[b, t - j, d]
// Either may be SPACE_NONE. header.rows = ceil(channels / channel_block). dkernel [taps, channels] without gaps.
typedef struct {
  header h;
  word batch, times, channels, taps, channel_block;
  word x_stride[2], g_stride[2], dx_stride[2], kernel_row;
  operand x, kernel, g, dx, dkernel;
} short_convolution_gradient;

kernel run_short_convolution;
kernel run_short_convolution_gradient;

#endif
