// Rotary position embedding: turns each pair (i, i + width / 2) of a head's row by its position's angle.
#include "rotary.h"
#include "vector.h"

// One row; both halves of a pair are read before either is written, so y may be x.
static void turn(const real *x, real *y, const real *cosine, const real *sine, int64_t half) {
  for (int64_t i = 0; i < half; i += LANES) {
    int64_t count = half - i;
    if (count >= LANES) {
      vreal c = vload(cosine + i), s = vload(sine + i), x1 = vload(x + i), x2 = vload(x + half + i);
      vstore(y + i, x1 * c - x2 * s);
      vstore(y + half + i, vfma(x2, c, x1 * s));
    } else {
      vreal c = vload_part(cosine + i, count), s = vload_part(sine + i, count);
      vreal x1 = vload_part(x + i, count), x2 = vload_part(x + half + i, count);
      vstore_part(y + i, x1 * c - x2 * s, count);
      vstore_part(y + half + i, vfma(x2, c, x1 * s), count);
    }
  }
}

void run_rotary(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const rotary *r = (const rotary *)instruction;
  const real *x = place(c, &r->x), *cosines = place(c, &r->cosines), *sines = place(c, &r->sines);
  real *y = place(c, &r->y);
  int64_t positions = r->positions_per_row;
  for (int64_t n = begin * positions; n < end * positions; n++) {
    int64_t b = n / r->length, t = n % r->length;
    const real *from = x + b * r->x.item + t * r->x_token;
    real *to = y + b * r->y.item + t * r->y_token;
    for (int64_t h = 0; h < r->heads; h++, from += r->x_head, to += r->y_head)
      turn(from, to, cosines + t * r->cosine_token, sines + t * r->sine_token, r->width / 2);
  }
}
