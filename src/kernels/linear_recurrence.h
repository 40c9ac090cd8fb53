// The elementwise linear recurrence h_t = a_t h_{t-1} + b_t.
#ifndef SCANTLING_LINEAR_RECURRENCE_H
#define SCANTLING_LINEAR_RECURRENCE_H
#include "tape.h"

// a, b, h [batch, time, channel] as views: strides in elements by axis, 0 where broadcast. initial [batch, channel]
// (initial_stride by axis), or SPACE_NONE for zeros. `reverse`: h_t = a_t h_{t+1} + b_t, from the last time step on.
// header.rows = batch * ceil(channels / channel_block), the blocks of one batch index being neighbours.
typedef struct {
  header h;
  word times, channels, channel_block, reverse;
  word a_stride[3], b_stride[3], initial_stride[2], result_stride[3]; // batch, time, channel
  operand a, b, initial, result;
} linear_recurrence;

kernel run_linear_recurrence;

#endif
