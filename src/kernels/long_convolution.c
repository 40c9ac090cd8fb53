// Long causal convolution and its gradient, one kernel for each channel.
#include "convolution_transform.h"

static signal signal_of(const convolution_sizes *l, real *place, int64_t time, int64_t channel) {
  return (signal){place + channel, time, l->times, smaller(LANES, l->channels - channel)};
}

void run_long_convolution(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const long_convolution *l = (const long_convolution *)instruction;
  real *x = place(c, &l->x), *k = place(c, &l->kernel), *result = place(c, &l->result);
  workspace space = prepare(c, &l->sizes, 2);
  int64_t parts = (l->sizes.batch + l->batch_part - 1) / l->batch_part;
  for (int64_t row = begin; row < end; row++) {
    int64_t first = row / parts * CONVOLUTION_CHANNELS, begin_batch = row % parts * l->batch_part;
    int64_t last = smaller(l->sizes.channels, first + CONVOLUTION_CHANNELS);
    int64_t end_batch = smaller(l->sizes.batch, begin_batch + l->batch_part);
    for (int64_t channel = first; channel < last; channel += LANES) {
      source by = {.of = signal_of(&l->sizes, k, l->kernel_row, channel)};
      transform_kernel(&space, &by);
      for (int64_t batch = begin_batch; batch < end_batch; batch++) {
        source from = {.of = signal_of(&l->sizes, x + batch * l->x_stride[0], l->x_stride[1], channel)};
        sink to = {.to = signal_of(&l->sizes, result + batch * l->result_stride[0], l->result_stride[1], channel)};
        convolve(&space, &from, &to);
      }
    }
  }
}

// Backwards in time a correlation is a convolution.
void run_long_convolution_gradient(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const long_convolution_gradient *l = (const long_convolution_gradient *)instruction;
  real *x = place(c, &l->x), *k = place(c, &l->kernel), *g = place(c, &l->g);
  real *dx = place(c, &l->dx), *dkernel = place(c, &l->dkernel);
  workspace space = prepare(c, &l->sizes, 4);
  point *total = space.work + space.points;
  int64_t first = begin * CONVOLUTION_CHANNELS, last = smaller(l->sizes.channels, end * CONVOLUTION_CHANNELS);
  for (int64_t channel = first; channel < last; channel += LANES) {
    source by = {.of = signal_of(&l->sizes, k, l->kernel_row, channel)};
    transform_kernel(&space, &by);
    memset(total, 0, space.points * sizeof(point));
    for (int64_t batch = 0; batch < l->sizes.batch; batch++) {
      source from = {.of = signal_of(&l->sizes, x + batch * l->x_stride[0], l->x_stride[1], channel)};
      source late = {.of = reversed(signal_of(&l->sizes, g + batch * l->g_stride[0], l->g_stride[1], channel))};
      sink to = {.to = reversed(signal_of(&l->sizes, dx + batch * l->dx_stride[0], l->dx_stride[1], channel))};
      convolve_both(&space, &from, &late, &to, NULL, total);
    }
    sink to = {.to = reversed(signal_of(&l->sizes, dkernel, l->dkernel_row, channel))};
    write_total(&space, total, &to);
  }
}
