// Rotary position embedding: what its instruction holds. Knows shapes and strides only.
#ifndef SCANTLING_ROTARY_H
#define SCANTLING_ROTARY_H
#include "tape.h"

// y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin for the halves x1, x2 of each head's row (Su et al. 2021, but with halves
// for neighbours). x, y [batch, length, heads, width], cosines, sines [length, width / 2]; unit stride in width.
// y may be x.
// header.rows = batch where positions_per_row = length; batch * length (positions innermost) where it is 1.
// operand.item of x and y: elements from one batch entry to the next; of cosines and sines: 0.
typedef struct {
  header h;
  word positions_per_row, length, heads, width;
  operand x, y, cosines, sines;
  word x_token, x_head, y_token, y_head, cosine_token, sine_token;
} rotary;

kernel run_rotary;

#endif
