// Scatter-add: each block of the result is summed by one thread in the order of the indices.
#include "scatter_add.h"
#include <string.h>

static void add_real(real *restrict to, const real *restrict from, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

// Two's complement addition is the same for i32 and u32.
static void add_integer(uint32_t *restrict to, const uint32_t *restrict from, int64_t n) {
  for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

void run_scatter_add(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const scatter_add *s = (const scatter_add *)instruction;
  int64_t bytes = element_bytes(s->result.type);
  const char *updates = place(c, &s->updates);
  const int32_t *indices = place(c, &s->indices);
  char *result = place(c, &s->result);
  int64_t across = (s->width + s->width_block - 1) / s->width_block;
  for (int64_t block = begin; block < end; block++) {
    int64_t first = block / across * s->table_block, rows = smaller(s->table_block, s->table - first);
    int64_t column = block % across * s->width_block, columns = smaller(s->width_block, s->width - column);
    char *to = result + (first * s->result_row + column) * bytes;
    const char *from = updates + column * bytes;
    for (int64_t r = 0; r < rows; r++) memset(to + r * s->result_row * bytes, 0, columns * bytes);
    for (int64_t i = 0; i < s->count; i++) {
      int64_t row = indices[i * s->indices.item] - first;
      if (row < 0 || row >= rows) continue;
      char *sum = to + row * s->result_row * bytes;
      const char *term = from + i * s->updates_row * bytes;
      if (s->result.type == TYPE_REAL) add_real((real *)sum, (const real *)term, columns);
      else add_integer((uint32_t *)sum, (const uint32_t *)term, columns);
    }
  }
}
