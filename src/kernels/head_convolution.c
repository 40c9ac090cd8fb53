// Outer products under a long convolution, and their gradient: a product is made where a transform reads it, and read by
// its query where a transform ends, LANES keys in lockstep, so none is ever in memory.
#include "head_convolution.h"
#include "convolution_transform.h"

// One head of one sequence: `width` channels from `at` on, rows `time` elements apart.
typedef struct {
  real *at;
  int64_t time;
} rows;

static rows rows_of(real *place, const word *stride, int64_t batch, int64_t channel) {
  return (rows){place + batch * stride[0] + channel, stride[1]};
}

static rows late(rows r, int64_t times) { return (rows){r.at + (times - 1) * r.time, -r.time}; }

static signal signal_at(rows r, int64_t times, int64_t first, int64_t width) {
  return (signal){r.at + first, r.time, times, smaller(LANES, width - first)};
}

static void clear(rows r, int64_t times, int64_t width) {
  for (int64_t t = 0; t < times; t++) memset(r.at + t * r.time, 0, width * sizeof(real));
}

// The kernel of a head, LANES times side by side.
static void transform_head(const workspace *s, const real *kernel, int64_t row, int64_t times) {
  real ones[LANES];
  for (int i = 0; i < LANES; i++) ones[i] = 1;
  source by = {.of = {ones, 0, times, LANES}, .factor = kernel, .factor_time = row};
  transform_kernel(s, &by);
}

void run_head_convolution(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const head_convolution *l = (const head_convolution *)instruction;
  real *q = place(c, &l->q), *k = place(c, &l->k), *v = place(c, &l->v), *result = place(c, &l->result);
  const real *kernel = place(c, &l->kernel);
  workspace space = prepare(c, &l->sizes, 2);
  int64_t times = l->sizes.times, width = l->sizes.channels / l->heads;
  int64_t parts = (l->sizes.batch + l->batch_part - 1) / l->batch_part;
  for (int64_t row = begin; row < end; row++) {
    int64_t head = row / parts, first = row % parts * l->batch_part;
    int64_t last = smaller(l->sizes.batch, first + l->batch_part);
    transform_head(&space, kernel + head, l->kernel_row, times);
    for (int64_t batch = first; batch < last; batch++) {
      rows query = rows_of(q, l->q_stride, batch, head * width), key = rows_of(k, l->k_stride, batch, head * width);
      rows value = rows_of(v, l->v_stride, batch, head * width), y = rows_of(result, l->result_stride, batch, head * width);
      clear(y, times, width);
      for (int64_t j = 0; j < width; j += LANES) {
        for (int64_t i = 0; i < width; i++) {
          source from = {.of = signal_at(key, times, j, width), .factor = value.at + i, .factor_time = value.time};
          sink to = {.to = signal_at(y, times, j, width), .factor = query.at + i, .factor_time = query.time};
          convolve(&space, &from, &to);
        }
      }
    }
  }
}

// Gradients of one head of one sequence; that of the kernel is added to `total`.
static void head_gradient(const workspace *s, const head_convolution_gradient *l, const rows *in, const rows *out,
                          point *total) {
  int64_t times = l->sizes.times, width = l->sizes.channels / l->heads;
  rows q = in[0], k = in[1], v = in[2], g = in[3];
  rows late_q = late(q, times), late_g = late(g, times), late_v = late(v, times), late_k = late(k, times);
  rows late_dk = late(out[1], times), late_dv = late(out[2], times);
  for (int n = 0; n < 3; n++) clear(out[n], times, width);
  for (int64_t j = 0; j < width; j += LANES) {
    for (int64_t i = 0; i < width; i++) {
      source x = {.of = signal_at(k, times, j, width), .factor = v.at + i, .factor_time = v.time};
      source gradient = {
          .of = signal_at(late_g, times, j, width), .factor = late_q.at + i, .factor_time = late_q.time};
      sink of_gradient = {.to = signal_at(late_dk, times, j, width),
                          .factor = late_v.at + i,
                          .factor_time = late_v.time,
                          .with = signal_at(late_k, times, j, width),
                          .dot = late_dv.at + i,
                          .dot_time = late_dv.time};
      sink of_x = {.to = {.times = times},
                   .with = signal_at(g, times, j, width),
                   .dot = out[0].at + i,
                   .dot_time = out[0].time};
      convolve_both(s, &x, &gradient, &of_gradient, &of_x, total);
    }
  }
}

void run_head_convolution_gradient(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const head_convolution_gradient *l = (const head_convolution_gradient *)instruction;
  real *q = place(c, &l->q), *k = place(c, &l->k), *v = place(c, &l->v), *g = place(c, &l->g);
  real *dq = place(c, &l->dq), *dk = place(c, &l->dk), *dv = place(c, &l->dv), *dkernel = place(c, &l->dkernel);
  const real *kernel = place(c, &l->kernel);
  workspace space = prepare(c, &l->sizes, 4);
  point *total = space.work + space.points;
  int64_t times = l->sizes.times, width = l->sizes.channels / l->heads;
  for (int64_t head = begin; head < end; head++) {
    transform_head(&space, kernel + head, l->kernel_row, times);
    memset(total, 0, space.points * sizeof(point));
    for (int64_t batch = 0; batch < l->sizes.batch; batch++) {
      int64_t channel = head * width;
      rows in[] = {rows_of(q, l->q_stride, batch, channel), rows_of(k, l->k_stride, batch, channel),
                   rows_of(v, l->v_stride, batch, channel), rows_of(g, l->g_stride, batch, channel)};
      rows out[] = {rows_of(dq, l->dq_stride, batch, channel), rows_of(dk, l->dk_stride, batch, channel),
                    rows_of(dv, l->dv_stride, batch, channel)};
      head_gradient(&space, l, in, out, total);
    }
    real ones[LANES];
    for (int i = 0; i < LANES; i++) ones[i] = 1;
    rows whole = late((rows){dkernel + head, l->dkernel_row}, times);
    for (int64_t t = 0; t < times; t++) dkernel[head + t * l->dkernel_row] = 0;
    sink sum = {.to = {.times = times}, .with = {ones, 0, times, LANES}, .dot = whole.at, .dot_time = whole.time};
    write_total(&space, total, &sum);
  }
}
