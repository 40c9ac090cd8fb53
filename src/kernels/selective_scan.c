// Selective scan and its gradient: channels along the lanes, some states at a time in registers, the time in chunks.
// The gradient keeps the states at the starts of chunks, computes a chunk's states again and goes through it backwards:
//   g_t = read_t dy_t + a_{t+1} g_{t+1},  a_t = exp(delta_t rate),  p_t = a_t h_{t-1},  f_t = delta_t u_t
//   d_read_t = dy_t h_t,  d_write_t = g_t f_t,  d_f_t = Σ_n g_t write_t,  d_rate = Σ_t g_t p_t delta_t
//   d_u_t = d_f_t delta_t,  d_delta_t = d_f_t u_t + Σ_n g_t p_t rate
#include "selective_scan.h"
#include "vector.h"

#define SCAN_INLINE static inline __attribute__((always_inline))

enum { STATES = VECTOR_BYTES == 64 ? SELECTIVE_STATES : SELECTIVE_STATES / 2, WIDEST = 16 };

// One vector of channels, of which `lanes` exist, over the `times` steps of a chunk.
typedef struct {
  const selective_scan *s;
  const real *delta, *u, *write, *read, *rates;
  int64_t times, lanes;
} strip;

// Lanes that do not exist are zeros, and stay zeros in all that is computed of them.
SCAN_INLINE vreal load(const real *p, int64_t lanes) { return lanes == LANES ? vload(p) : vload_part(p, lanes); }
SCAN_INLINE void store(real *p, vreal x, int64_t lanes) {
  if (lanes == LANES) vstore(p, x);
  else vstore_part(p, x, lanes);
}

// Takes h of states [first, first + states), rows of which are h_row apart, over the chunk; adds what is read to y.
SCAN_INLINE void advance(const strip *x, int64_t first, int states, real *h, int64_t h_row, real *y) {
  const selective_scan *s = x->s;
  vreal state[STATES], rate[STATES];
#pragma GCC unroll 8
  for (int n = 0; n < states; n++) {
    state[n] = load(h + n * h_row, x->lanes);
    rate[n] = load(x->rates + (first + n) * s->rates_row, x->lanes);
  }
  for (int64_t t = 0; t < x->times; t++) {
    vreal delta = load(x->delta + t * s->delta_stride[1], x->lanes);
    vreal fed = delta * load(x->u + t * s->u_stride[1], x->lanes);
    const real *write = x->write + t * s->write_stride[1] + first, *read = x->read + t * s->read_stride[1] + first;
    vreal sum = y == NULL || first == 0 ? vsplat(0) : load(y + t * s->channels, x->lanes);
#pragma GCC unroll 8
    for (int n = 0; n < states; n++) {
      state[n] = vfma(vexp(delta * rate[n]), state[n], fed * vsplat(write[n]));
      if (y != NULL) sum = vfma(state[n], vsplat(read[n]), sum);
    }
    if (y != NULL) store(y + t * s->channels, sum, x->lanes);
  }
#pragma GCC unroll 8
  for (int n = 0; n < states; n++) store(h + n * h_row, state[n], x->lanes);
}

// A strip of the row's channels from `channel` on, over the chunk from `time` on.
static strip strip_at(const selective_scan *s, const strip *row, int64_t channel, int64_t channels, int64_t time) {
  strip x = *row;
  x.delta += channel + time * s->delta_stride[1];
  x.u += channel + time * s->u_stride[1];
  x.write += time * s->write_stride[1];
  x.read += time * s->read_stride[1];
  x.rates += channel;
  x.times = smaller(s->chunk, s->times - time);
  x.lanes = smaller(LANES, channels - channel);
  return x;
}

static void advance_reading(const strip *x, real *h, int64_t h_row, real *y) {
  int64_t n = 0;
  for (; n + STATES <= x->s->states; n += STATES) advance(x, n, STATES, h + n * h_row, h_row, y);
  for (; n < x->s->states; n++) advance(x, n, 1, h + n * h_row, h_row, y);
}

static void advance_only(const strip *x, real *h, int64_t h_row) {
  int64_t n = 0;
  for (; n + STATES <= x->s->states; n += STATES) advance(x, n, STATES, h + n * h_row, h_row, NULL);
  for (; n < x->s->states; n++) advance(x, n, 1, h + n * h_row, h_row, NULL);
}

// What a row of the instruction is about.
typedef struct {
  strip first;
  int64_t number, batch, channel, channels;
} place_of_row;

static place_of_row find_row(const context *c, const selective_scan *s, int64_t row) {
  int64_t blocks = (s->channels + s->channel_block - 1) / s->channel_block;
  place_of_row r = {.number = row, .batch = row / blocks, .channel = row % blocks * s->channel_block};
  r.channels = smaller(s->channel_block, s->channels - r.channel);
  r.first = (strip){
      .s = s,
      .delta = (const real *)place(c, &s->delta) + r.batch * s->delta_stride[0] + r.channel,
      .u = (const real *)place(c, &s->u) + r.batch * s->u_stride[0] + r.channel,
      .write = (const real *)place(c, &s->write) + r.batch * s->write_stride[0],
      .read = (const real *)place(c, &s->read) + r.batch * s->read_stride[0],
      .rates = (const real *)place(c, &s->rates) + r.channel,
  };
  return r;
}

void run_selective_scan(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const selective_scan *s = (const selective_scan *)instruction;
  for (int64_t row = begin; row < end; row++) {
    place_of_row r = find_row(c, s, row);
    real *y = (real *)place(c, &s->y) + r.batch * s->times * s->channels + r.channel;
    real *state = (real *)place(c, &s->state) + r.batch * s->states * s->channels + r.channel;
    for (int64_t n = 0; n < s->states; n++) memset(state + n * s->channels, 0, r.channels * sizeof(real));
    for (int64_t time = 0; time < s->times; time += s->chunk)
      for (int64_t e = 0; e < r.channels; e += LANES) {
        strip x = strip_at(s, &r.first, e, r.channels, time);
        advance_reading(&x, state + e, s->channels, y + time * s->channels + e);
      }
  }
}

// Working memory; rows of starts, g and d_rates are `wide` apart, those of the others LANES.
typedef struct {
  int64_t wide;
  real *starts;          // [chunk, state, wide]
  real *g, *d_rates;     // [state, wide]
  real *decays, *kept;   // a and p, [time, STATES, LANES]
  real *d_write, *d_read; // [time, state, LANES]
  real *d_fed, *d_delta; // [time, LANES]
} workspace;

static workspace divide(real *scratch, const selective_scan *s) {
  int64_t chunks = (s->times + s->chunk - 1) / s->chunk;
  workspace w = {.wide = round_up(s->channel_block, WIDEST), .starts = scratch};
  w.g = w.starts + chunks * s->states * w.wide;
  w.d_rates = w.g + s->states * w.wide;
  w.decays = w.d_rates + s->states * w.wide;
  w.kept = w.decays + s->chunk * STATES * LANES;
  w.d_write = w.kept + s->chunk * STATES * LANES;
  w.d_read = w.d_write + s->chunk * s->states * LANES;
  w.d_fed = w.d_read + s->chunk * s->states * LANES;
  w.d_delta = w.d_fed + s->chunk * LANES;
  return w;
}

// States [first, first + states) of a strip at column `column`, through a chunk that they begin as `start`.
SCAN_INLINE void reverse(const strip *x, const workspace *w, int64_t first, int states, const real *start,
                         int64_t column, const real *dy, int64_t dy_step) {
  const selective_scan *s = x->s;
  vreal rate[STATES], g[STATES], d_rate[STATES];
#pragma GCC unroll 8
  for (int n = 0; n < states; n++) {
    rate[n] = load(x->rates + (first + n) * s->rates_row, x->lanes);
    g[n] = vload(start + (first + n) * w->wide + column);
  }
  real *decays = w->decays, *kept = w->kept;
  for (int64_t t = 0; t < x->times; t++) {
    vreal delta = load(x->delta + t * s->delta_stride[1], x->lanes);
    vreal fed = delta * load(x->u + t * s->u_stride[1], x->lanes);
    const real *write = x->write + t * s->write_stride[1] + first;
#pragma GCC unroll 8
    for (int n = 0; n < states; n++, decays += LANES, kept += LANES) {
      vreal a = vexp(delta * rate[n]), p = a * g[n];
      vstore(decays, a);
      vstore(kept, p);
      g[n] = vfma(fed, vsplat(write[n]), p);
    }
  }
#pragma GCC unroll 8
  for (int n = 0; n < states; n++) {
    g[n] = vload(w->g + (first + n) * w->wide + column);
    d_rate[n] = vload(w->d_rates + (first + n) * w->wide + column);
  }
  for (int64_t t = x->times - 1; t >= 0; t--) {
    vreal delta = load(x->delta + t * s->delta_stride[1], x->lanes);
    vreal fed = delta * load(x->u + t * s->u_stride[1], x->lanes), gradient = load(dy + t * dy_step, x->lanes);
    const real *write = x->write + t * s->write_stride[1] + first, *read = x->read + t * s->read_stride[1] + first;
    real *d_write = w->d_write + (t * s->states + first) * LANES, *d_read = w->d_read + (t * s->states + first) * LANES;
    vreal d_fed = first ? vload(w->d_fed + t * LANES) : vsplat(0);
    vreal d_delta = first ? vload(w->d_delta + t * LANES) : vsplat(0);
    decays -= states * LANES;
    kept -= states * LANES;
#pragma GCC unroll 8
    for (int n = 0; n < states; n++) {
      vreal p = vload(kept + n * LANES), factor = vsplat(write[n]);
      g[n] = vfma(gradient, vsplat(read[n]), g[n]);
      vstore(d_read + n * LANES, vfma(gradient, vfma(fed, factor, p), vload(d_read + n * LANES)));
      vstore(d_write + n * LANES, vfma(g[n], fed, vload(d_write + n * LANES)));
      d_fed = vfma(g[n], factor, d_fed);
      p *= g[n];
      d_delta = vfma(p, rate[n], d_delta);
      d_rate[n] = vfma(p, delta, d_rate[n]);
      g[n] *= vload(decays + n * LANES);
    }
    vstore(w->d_fed + t * LANES, d_fed);
    vstore(w->d_delta + t * LANES, d_delta);
  }
#pragma GCC unroll 8
  for (int n = 0; n < states; n++) {
    vstore(w->g + (first + n) * w->wide + column, g[n]);
    vstore(w->d_rates + (first + n) * w->wide + column, d_rate[n]);
  }
}

// The states that each chunk begins with.
static void keep_starts(const selective_scan *s, const place_of_row *r, const workspace *w) {
  int64_t size = s->states * w->wide;
  memset(w->starts, 0, size * sizeof(real));
  real *start = w->starts;
  for (int64_t time = 0; time + s->chunk < s->times; time += s->chunk, start += size) {
    memcpy(start + size, start, size * sizeof(real));
    for (int64_t e = 0; e < r->channels; e += LANES) {
      strip x = strip_at(s, &r->first, e, r->channels, time);
      advance_only(&x, start + size + e, w->wide);
    }
  }
}

static void differentiate(const context *c, const selective_scan_gradient *g, const place_of_row *r,
                          const workspace *w) {
  const selective_scan *s = &g->forward;
  int64_t size = s->states * w->wide;
  const real *dy = (const real *)place(c, &g->dy) + r->batch * g->dy_stride[0] + r->channel;
  int64_t features = (r->batch * s->times) * s->channels + r->channel;
  real *d_delta = (real *)place(c, &g->d_delta) + features, *d_u = (real *)place(c, &g->d_u) + features;
  real *d_write = place(c, &g->d_write), *d_read = place(c, &g->d_read);
  memset(w->g, 0, 2 * size * sizeof(real)); // d_rates follow
  for (int64_t time = (s->times - 1) / s->chunk * s->chunk; time >= 0; time -= s->chunk) {
    memset(w->d_write, 0, 2 * s->chunk * s->states * LANES * sizeof(real)); // d_read follow
    for (int64_t e = 0; e < r->channels; e += LANES) {
      strip x = strip_at(s, &r->first, e, r->channels, time);
      const real *start = w->starts + time / s->chunk * size, *gradient = dy + time * g->dy_stride[1] + e;
      int64_t n = 0;
      for (; n + STATES <= s->states; n += STATES) reverse(&x, w, n, STATES, start, e, gradient, g->dy_stride[1]);
      for (; n < s->states; n++) reverse(&x, w, n, 1, start, e, gradient, g->dy_stride[1]);
      for (int64_t t = 0; t < x.times; t++) {
        int64_t at = (time + t) * s->channels + e;
        vreal d_fed = vload(w->d_fed + t * LANES), delta = load(x.delta + t * s->delta_stride[1], x.lanes);
        vreal u = load(x.u + t * s->u_stride[1], x.lanes);
        store(d_u + at, d_fed * delta, x.lanes);
        store(d_delta + at, vfma(d_fed, u, vload(w->d_delta + t * LANES)), x.lanes);
      }
    }
    int64_t count = smaller(s->chunk, s->times - time) * s->states, at = (r->number * s->times + time) * s->states;
    for (int64_t i = 0; i < count; i++) d_write[at + i] = vsum(vload(w->d_write + i * LANES));
    for (int64_t i = 0; i < count; i++) d_read[at + i] = vsum(vload(w->d_read + i * LANES));
  }
  real *d_rates = (real *)place(c, &g->d_rates) + r->batch * s->states * s->channels + r->channel;
  for (int64_t n = 0; n < s->states; n++)
    memcpy(d_rates + n * s->channels, w->d_rates + n * w->wide, r->channels * sizeof(real));
}

void run_selective_scan_gradient(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const selective_scan_gradient *g = (const selective_scan_gradient *)instruction;
  workspace w = divide((real *)c->scratch, &g->forward);
  for (int64_t row = begin; row < end; row++) {
    place_of_row r = find_row(c, &g->forward, row);
    keep_starts(&g->forward, &r, &w);
    differentiate(c, g, &r, &w);
  }
}
