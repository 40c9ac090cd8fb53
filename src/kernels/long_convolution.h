// Causal convolution as long as the sequence, and its gradient.
#ifndef SCANTLING_LONG_CONVOLUTION_H
#define SCANTLING_LONG_CONVOLUTION_H
#include "tape.h"

enum { CONVOLUTION_CHANNELS = 16, MAX_FACTORS = 24 };

// x, y [batch, time, channel] and kernel [time, channel] with consecutive channels; (batch, time) strides and rows in
// elements. `points` >= times is the product of factors[0 .. factor_count - 1]: factors[0] is 4, the others 2, 3, 4 or 5.
typedef struct {
  word batch, channels, times, points, factor_count;
  word factors[MAX_FACTORS];
} convolution_sizes;

// y[b, t, d] = sum over s <= t of kernel[s, d] * x[b, t - s, d].
// header.rows = ceil(channels / CONVOLUTION_CHANNELS) * ceil(batch / batch_part), the parts of one block of channels
// being neighbours; each transforms its kernel once.
// Scratch: see longConvolutionScratchBytes.
typedef struct {
  header h;
  convolution_sizes sizes;
  word batch_part;
  word x_stride[2], kernel_row, result_stride[2];
  operand x, kernel, result;
} long_convolution;

// From the gradient g of y:
//   dx[b, s, d]      = sum over t >= s of kernel[t - s, d] * g[b, t, d]
//   dkernel[s, d]    = sum over b and t >= s of g[b, t, d] * x[b, t - s, d]
// header.rows = ceil(channels / CONVOLUTION_CHANNELS). Scratch: see longConvolutionGradientScratchBytes.
typedef struct {
  header h;
  convolution_sizes sizes;
  word x_stride[2], kernel_row, g_stride[2], dx_stride[2], dkernel_row;
  operand x, kernel, g, dx, dkernel;
} long_convolution_gradient;

kernel run_long_convolution;
kernel run_long_convolution_gradient;

#endif
