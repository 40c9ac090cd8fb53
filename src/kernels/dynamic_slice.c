// Slices and updates at run-time indices: copies of strided rows, of any element type.
#include "dynamic_slice.h"
#include <string.h>

enum { INNER = MAX_AXES - 1 };

static void copy_row(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n, int64_t bytes) {
  if (to_step == 1 && from_step == 1) {
    memcpy(to, from, n * bytes);
    return;
  }
  to_step *= bytes;
  from_step *= bytes;
  for (int64_t i = 0; i < n; i++, to += to_step, from += from_step) {
    if (bytes == 4) memcpy(to, from, 4);
    else memcpy(to, from, bytes);
  }
}

// Where the window begins, by axis.
static void find_start(const context *c, const dynamic_window *w, int64_t *start) {
  for (int axis = 0; axis < MAX_AXES; axis++) {
    const int32_t *at = place(c, &w->start[axis]);
    start[axis] = at ? larger(0, smaller(*at, w->full[axis] - w->window[axis])) : 0;
  }
}

// The index, by axis, of a row of a tensor of these sizes.
static void split_row(int64_t row, const word *size, int64_t *index) {
  for (int axis = INNER - 1; axis >= 0; axis--) {
    index[axis] = row % size[axis];
    row /= size[axis];
  }
  index[INNER] = 0;
}

static int64_t offset(const int64_t *index, const word *stride) {
  int64_t sum = 0;
  for (int axis = 0; axis < MAX_AXES; axis++) sum += index[axis] * stride[axis];
  return sum;
}

static int64_t count_rows(const word *size) {
  int64_t rows = 1;
  for (int axis = 0; axis < INNER; axis++) rows *= size[axis];
  return rows;
}

void run_dynamic_slice(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const dynamic_window *w = (const dynamic_window *)instruction;
  int64_t bytes = element_bytes(w->x.type), start[MAX_AXES], index[MAX_AXES];
  find_start(c, w, start);
  const char *x = (const char *)place(c, &w->x) + offset(start, w->x_stride) * bytes;
  char *part = place(c, &w->part);
  for (int64_t row = begin; row < end; row++) {
    split_row(row, w->window, index);
    copy_row(part + offset(index, w->part_stride) * bytes, w->part_stride[INNER],
             x + offset(index, w->x_stride) * bytes, w->x_stride[INNER], w->window[INNER], bytes);
  }
}

// Rows [begin, end) of the window.
static void write_window(const dynamic_window *w, const int64_t *start, const char *part, char *whole, int64_t begin,
                         int64_t end) {
  int64_t bytes = element_bytes(w->x.type), index[MAX_AXES];
  whole += offset(start, w->whole_stride) * bytes;
  for (int64_t row = begin; row < end; row++) {
    split_row(row, w->window, index);
    copy_row(whole + offset(index, w->whole_stride) * bytes, w->whole_stride[INNER],
             part + offset(index, w->part_stride) * bytes, w->part_stride[INNER], w->window[INNER], bytes);
  }
}

// Row `index` of the whole: from x, but for what the window covers of it.
static void write_row(const dynamic_window *w, const int64_t *start, int64_t *index, const char *x, const char *part,
                      char *whole) {
  int64_t bytes = element_bytes(w->x.type), inside[MAX_AXES];
  char *to = whole + offset(index, w->whole_stride) * bytes;
  const char *from = x + offset(index, w->x_stride) * bytes;
  int64_t to_step = w->whole_stride[INNER], from_step = w->x_stride[INNER];
  for (int axis = 0; axis < INNER; axis++) {
    inside[axis] = index[axis] - start[axis];
    if (inside[axis] < 0 || inside[axis] >= w->window[axis]) {
      copy_row(to, to_step, from, from_step, w->full[INNER], bytes);
      return;
    }
  }
  inside[INNER] = 0;
  int64_t first = start[INNER], many = w->window[INNER], after = first + many;
  copy_row(to, to_step, from, from_step, first, bytes);
  copy_row(to + first * to_step * bytes, to_step, part + offset(inside, w->part_stride) * bytes, w->part_stride[INNER],
           many, bytes);
  copy_row(to + after * to_step * bytes, to_step, from + after * from_step * bytes, from_step, w->full[INNER] - after,
           bytes);
}

void run_dynamic_update(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const dynamic_window *w = (const dynamic_window *)instruction;
  int64_t start[MAX_AXES], index[MAX_AXES];
  find_start(c, w, start);
  const char *x = place(c, &w->x), *part = place(c, &w->part);
  char *whole = place(c, &w->whole);
  if (whole == x) {
    // The window's rows are shared out in proportion: this call does its share of them.
    int64_t rows = count_rows(w->full), window_rows = count_rows(w->window);
    write_window(w, start, part, whole, begin * window_rows / rows, end * window_rows / rows);
    return;
  }
  for (int64_t row = begin; row < end; row++) {
    split_row(row, w->full, index);
    write_row(w, start, index, x, part, whole);
  }
}
