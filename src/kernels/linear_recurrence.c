// h_t = a_t h_{t-1} + b_t: sequential in time, with a few vectors of channels side by side in registers.
#include "linear_recurrence.h"
#include "vector.h"

enum { VECTORS = 4, CHUNK = 16 };

// A view at the current time step: its address, and how far apart channels are.
typedef struct {
  const real *at;
  int64_t time, channel;
} stream;

static inline vreal read_lanes(const stream *s, int64_t first) {
  if (s->channel == 1) return vload(s->at + first);
  if (s->channel == 0) return vsplat(*s->at);
  vreal v;
  for (int64_t i = 0; i < LANES; i++) v[i] = s->at[(first + i) * s->channel];
  return v;
}

static inline void write_lanes(real *to, int64_t channel, int64_t first, vreal v) {
  if (channel == 1) vstore(to + first, v);
  else for (int64_t i = 0; i < LANES; i++) to[(first + i) * channel] = v[i];
}

// Inlined for constant `vectors` and channel strides.
static inline __attribute__((always_inline)) void recur(stream a, stream b, stream initial, real *h, int64_t h_time,
                                                         int64_t h_channel, int64_t times, int64_t vectors) {
  vreal state[VECTORS];
  for (int64_t v = 0; v < vectors; v++) state[v] = initial.at ? read_lanes(&initial, v * LANES) : vsplat(0);
  for (int64_t t = 0; t < times; t++) {
    for (int64_t v = 0; v < vectors; v++) {
      state[v] = read_lanes(&a, v * LANES) * state[v] + read_lanes(&b, v * LANES);
      write_lanes(h, h_channel, v * LANES, state[v]);
    }
    a.at += a.time;
    b.at += b.time;
    h += h_time;
  }
}

static void recur_one(stream a, stream b, stream initial, real *h, int64_t h_time, int64_t times) {
  real state = initial.at ? *initial.at : 0;
  for (int64_t t = 0; t < times; t++, h += h_time) *h = state = a.at[t * a.time] * state + b.at[t * b.time];
}

static stream skip(stream s, int64_t times, int64_t channels) {
  if (s.at) s.at += times * s.time + channels * s.channel;
  return s;
}

// `channels` channels over `times` steps: in groups of VECTORS vectors, then single vectors, then single channels.
static void recur_block(stream a, stream b, stream initial, real *h, int64_t h_time, int64_t h_channel, int64_t times,
                        int64_t channels) {
  int dense = b.channel == 1 && h_channel == 1 && (a.channel == 1 || a.channel == 0);
  for (int64_t first = 0, step; first < channels; first += step) {
    stream from_a = skip(a, 0, first), from_b = skip(b, 0, first), from = skip(initial, 0, first);
    real *to = h + first * h_channel;
    int64_t left = channels - first;
    if (dense && left >= VECTORS * LANES) {
      step = VECTORS * LANES;
      from_b.channel = 1;
      if (from_a.channel) recur((stream){from_a.at, from_a.time, 1}, from_b, from, to, h_time, 1, times, VECTORS);
      else recur((stream){from_a.at, from_a.time, 0}, from_b, from, to, h_time, 1, times, VECTORS);
    } else if (left >= LANES) {
      step = LANES;
      recur(from_a, from_b, from, to, h_time, h_channel, times, 1);
    } else {
      step = 1;
      recur_one(from_a, from_b, from, to, h_time, times);
    }
  }
}

// All channels for a few steps, then on from the states these end with: memory is read in long runs.
static void recur_sequence(stream a, stream b, stream initial, real *h, int64_t h_time, int64_t h_channel,
                           int64_t times, int64_t channels) {
  for (int64_t t = 0; t < times; t += CHUNK) {
    real *to = h + t * h_time;
    stream from = t ? (stream){to - h_time, 0, h_channel} : initial;
    recur_block(skip(a, t, 0), skip(b, t, 0), from, to, h_time, h_channel, smaller(CHUNK, times - t), channels);
  }
}

void run_linear_recurrence(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const linear_recurrence *l = (const linear_recurrence *)instruction;
  const real *a = place(c, &l->a), *b = place(c, &l->b), *initial = place(c, &l->initial);
  real *h = place(c, &l->result);
  int64_t blocks = (l->channels + l->channel_block - 1) / l->channel_block;
  int64_t start = l->reverse ? l->times - 1 : 0, sign = l->reverse ? -1 : 1;
  for (int64_t row = begin; row < end; row++) {
    int64_t batch = row / blocks, channel = row % blocks * l->channel_block;
    stream from_a = {a + batch * l->a_stride[0] + start * l->a_stride[1] + channel * l->a_stride[2],
                     sign * l->a_stride[1], l->a_stride[2]};
    stream from_b = {b + batch * l->b_stride[0] + start * l->b_stride[1] + channel * l->b_stride[2],
                     sign * l->b_stride[1], l->b_stride[2]};
    stream from = {initial ? initial + batch * l->initial_stride[0] + channel * l->initial_stride[1] : NULL, 0,
                   l->initial_stride[1]};
    recur_sequence(from_a, from_b, from,
                   h + batch * l->result_stride[0] + start * l->result_stride[1] + channel * l->result_stride[2],
                   sign * l->result_stride[1], l->result_stride[2], l->times,
                   smaller(l->channel_block, l->channels - channel));
  }
}
