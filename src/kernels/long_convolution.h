// Causal convolution as long as the sequence.
#ifndef SCANTLING_LONG_CONVOLUTION_H
#define SCANTLING_LONG_CONVOLUTION_H
#include "tape.h"

enum { CONVOLUTION_CHANNELS = 16, MAX_FACTORS = 24 };

// y[b, d, t] = sum over s <= t of k[b, d, s] * x[b, d, t - s]. Strides by (batch, channel, time) in elements; 0 for a
// kernel that all batch indices share. Fastest where channels are consecutive.
// `points` >= times is the product of factors[0 .. factor_count - 1]: factors[0] is 4, the others 2, 3, 4 or 5.
// header.rows = ceil(channels / CONVOLUTION_CHANNELS) * batch, the batch indices of one block of channels being
// neighbours: rows of one group that share the kernel transform it once.
// Scratch: see longConvolutionScratchBytes.
typedef struct {
  header h;
  word batch, channels, times, points, factor_count;
  word factors[MAX_FACTORS];
  word x_stride[3], kernel_stride[3], result_stride[3];
  operand x, kernel, result;
} long_convolution;

kernel run_long_convolution;

#endif
