// The selective scan of Mamba and its gradient: what their instructions hold. Knows shapes and strides only.
//
//   h[b, t, n, e] = exp(delta[b, t, e] * rates[n, e]) * h[b, t - 1, n, e] + delta[b, t, e] * u[b, t, e] * write[b, t, n]
//   y[b, t, e]    = Σ_n read[b, t, n] * h[b, t, n, e]
//
// h is zero before the start. delta, u, y [batch, time, channel]; write, read [batch, time, state]; rates [state,
// channel]. The last axis is consecutive, strides in elements are of (batch, time); results have no gaps.
#ifndef SCANTLING_SELECTIVE_SCAN_H
#define SCANTLING_SELECTIVE_SCAN_H
#include "tape.h"

// header.rows = batch * ceil(channels / channel_block), the blocks of one batch index being neighbours.
typedef struct {
  header h;
  word times, channels, states, channel_block;
  word chunk; // time steps between states that the gradient keeps
  word delta_stride[2], u_stride[2], write_stride[2], read_stride[2], rates_row;
  operand delta, u, rates, write, read;
  operand y, state; // state: h after the last step, [batch, state, channel]
} selective_scan;

// From the gradient dy of y. Sums are left to the caller: d_rates [batch, state, channel] is each batch index's own,
// d_write and d_read [batch, block, time, state] are of the channels of a block. y and state of `forward` are unused.
//
// context.scratch, in reals, with C = round_up(channel_block, 16) and K = ceil(times / chunk):
//   states at the starts of chunks K * states * C, and twice as much as of one chunk
//   chunk * 16 * (2 * SELECTIVE_STATES + 2 * states + 2)
typedef struct {
  selective_scan forward;
  word dy_stride[2];
  operand dy;
  operand d_delta, d_u, d_rates, d_write, d_read;
} selective_scan_gradient;

enum { SELECTIVE_STATES = 8 }; // the most that are in registers at once

kernel run_selective_scan, run_selective_scan_gradient;

#endif
