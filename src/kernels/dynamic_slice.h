// Slices and updates at indices that are known only at run time.
#ifndef SCANTLING_DYNAMIC_SLICE_H
#define SCANTLING_DYNAMIC_SLICE_H
#include "tape.h"

// A window of sizes `window` in x of sizes `full` begins, along axis i, at the i32 at `start[i]` (SPACE_NONE: 0), clamped
// so that the window fits. Sizes are those of all six axes, unused ones (in front) being 1; strides in elements.
//
// dynamic_slice:   part = the window of x. header.rows = product of window[0..4]; a row runs along axis 5.
// dynamic_update:  whole = x with the window replaced by part. header.rows = product of full[0..4]. Where whole is x
//                  itself (the same address and strides), only the window is written.
typedef struct {
  header h;
  word full[MAX_AXES], window[MAX_AXES];
  word x_stride[MAX_AXES], part_stride[MAX_AXES], whole_stride[MAX_AXES];
  operand x, part, whole; // whole: dynamic_update only
  operand start[MAX_AXES];
} dynamic_window;

kernel run_dynamic_slice;
kernel run_dynamic_update;

#endif
