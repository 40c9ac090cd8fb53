// Short causal depthwise convolution and its gradient, vectorised over channels.
#include "short_convolution.h"
#include "vector.h"
#include <string.h>

enum {
  TAPS = 4, // taps of the kernel's gradient that are summed in registers together
  CHUNK = 16 // time steps summed before they join the total, so that a long sum keeps its digits
};

#define INLINE static inline __attribute__((always_inline))

// out[d] = sum over j of kernel[j, d] * in[j * step + d] for `taps` rows of `in`.
INLINE void combine_of(const real *kernel, int64_t kernel_row, const real *in, int64_t step, int64_t taps, real *out,
                       int64_t channels) {
  int64_t d = 0;
  for (; d + 2 * LANES <= channels; d += 2 * LANES) {
    vreal low = vsplat(0), high = vsplat(0);
    for (int64_t j = 0; j < taps; j++) {
      low += vload(kernel + j * kernel_row + d) * vload(in + j * step + d);
      high += vload(kernel + j * kernel_row + d + LANES) * vload(in + j * step + d + LANES);
    }
    vstore(out + d, low);
    vstore(out + d + LANES, high);
  }
  for (; d < channels; d++) {
    real sum = 0;
    for (int64_t j = 0; j < taps; j++) sum += kernel[j * kernel_row + d] * in[j * step + d];
    out[d] = sum;
  }
}

// Few taps are known to the compiler.
static void combine(const real *kernel, int64_t kernel_row, const real *in, int64_t step, int64_t taps, real *out,
                    int64_t channels) {
  switch (taps) {
  case 2: combine_of(kernel, kernel_row, in, step, 2, out, channels); break;
  case 3: combine_of(kernel, kernel_row, in, step, 3, out, channels); break;
  case 4: combine_of(kernel, kernel_row, in, step, 4, out, channels); break;
  default: combine_of(kernel, kernel_row, in, step, taps, out, channels); break;
  }
}

void run_short_convolution(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const short_convolution *s = (const short_convolution *)instruction;
  const real *x = place(c, &s->x), *kernel = place(c, &s->kernel);
  real *result = place(c, &s->result);
  int64_t blocks = (s->times + s->time_block - 1) / s->time_block;
  for (int64_t row = begin; row < end; row++) {
    int64_t batch = row / blocks, first = row % blocks * s->time_block;
    int64_t last = smaller(s->times, first + s->time_block);
    for (int64_t t = first; t < last; t++) {
      combine(kernel, s->kernel_row, x + batch * s->x_stride[0] + t * s->x_stride[1], -(int64_t)s->x_stride[1],
              smaller(s->taps, t + 1), result + batch * s->result_stride[0] + t * s->result_stride[1], s->channels);
    }
  }
}

// sum[j] += sum over t of g[t] * x[t - j]; x may be read from its row begin - taps + 1 on.
INLINE void correlate_of(const real *g, int64_t g_step, const real *x, int64_t x_step, int64_t begin, int64_t end,
                         int64_t taps, vreal *sum) {
  vreal own[TAPS];
  for (int64_t j = 0; j < taps; j++) own[j] = sum[j];
  for (int64_t t = begin; t < end; t++) {
    vreal gradient = vload(g + t * g_step);
    for (int64_t j = 0; j < taps; j++) own[j] += gradient * vload(x + (t - j) * x_step);
  }
  for (int64_t j = 0; j < taps; j++) sum[j] = own[j];
}

static void correlate(const real *g, int64_t g_step, const real *x, int64_t x_step, int64_t begin, int64_t end,
                      int64_t taps, vreal *sum) {
  switch (taps) {
  case 1: correlate_of(g, g_step, x, x_step, begin, end, 1, sum); break;
  case 2: correlate_of(g, g_step, x, x_step, begin, end, 2, sum); break;
  case 3: correlate_of(g, g_step, x, x_step, begin, end, 3, sum); break;
  default: correlate_of(g, g_step, x, x_step, begin, end, TAPS, sum); break;
  }
}

// Adds to dkernel, for LANES channels, what times [begin, end) of one batch index give to up to TAPS taps from `tap` on.
static void add_to_taps(const short_convolution_gradient *s, const real *g, const real *x, real *dkernel, int64_t begin,
                        int64_t end, int64_t tap, int64_t taps) {
  int64_t g_step = s->g_stride[1], x_step = s->x_stride[1];
  int64_t whole = smaller(end, larger(begin, tap + taps - 1)); // from here on every tap has its x
  vreal sum[TAPS];
  for (int64_t j = 0; j < TAPS; j++) sum[j] = vsplat(0);
  for (int64_t t = larger(begin, tap); t < whole; t++) {
    correlate(g, g_step, x - tap * x_step, x_step, t, t + 1, smaller(taps, t - tap + 1), sum);
  }
  correlate(g, g_step, x - tap * x_step, x_step, whole, end, taps, sum);
  for (int64_t j = 0; j < taps; j++) {
    real *to = dkernel + (tap + j) * s->channels;
    vstore(to, vload(to) + sum[j]);
  }
}

static void add_to_one(const short_convolution_gradient *s, const real *g, const real *x, real *dkernel, int64_t begin,
                       int64_t end) {
  for (int64_t j = 0; j < s->taps; j++) {
    real sum = 0;
    for (int64_t t = larger(begin, j); t < end; t++) sum += g[t * s->g_stride[1]] * x[(t - j) * s->x_stride[1]];
    dkernel[j * s->channels] += sum;
  }
}

// Channels [first, last) of dkernel: the sum of a chunk joins the total.
static void add_chunk(const short_convolution_gradient *s, const real *g, const real *x, real *dkernel, int64_t begin,
                      int64_t end, int64_t first, int64_t last) {
  int64_t d = first;
  for (; d + LANES <= last; d += LANES) {
    for (int64_t j = 0; j < s->taps; j += TAPS) {
      add_to_taps(s, g + d, x + d, dkernel + d, begin, end, j, smaller(TAPS, s->taps - j));
    }
  }
  for (; d < last; d++) add_to_one(s, g + d, x + d, dkernel + d, begin, end);
}

void run_short_convolution_gradient(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const short_convolution_gradient *s = (const short_convolution_gradient *)instruction;
  const real *x = place(c, &s->x), *kernel = place(c, &s->kernel), *gradient = place(c, &s->g);
  real *dx = place(c, &s->dx), *dkernel = place(c, &s->dkernel);
  int64_t first = begin * s->channel_block, last = smaller(s->channels, end * s->channel_block);
  if (first >= last) return;
  for (int64_t j = 0; dkernel && j < s->taps; j++) {
    memset(dkernel + j * s->channels + first, 0, (last - first) * sizeof(real));
  }
  for (int64_t b = 0; b < s->batch; b++) {
    const real *g = gradient + b * s->g_stride[0];
    for (int64_t t = 0; t < s->times; t += CHUNK) {
      int64_t stop = smaller(s->times, t + CHUNK);
      if (dkernel) add_chunk(s, g, x + b * s->x_stride[0], dkernel, t, stop, first, last);
      for (int64_t i = t; dx && i < stop; i++) {
        combine(kernel + first, s->kernel_row, g + i * s->g_stride[1] + first, s->g_stride[1],
                smaller(s->taps, s->times - i), dx + b * s->dx_stride[0] + i * s->dx_stride[1] + first, last - first);
      }
    }
  }
}
