// Gather: copies the rows that the indices name. Knows shapes and strides only.
#include "gather.h"
#include <string.h>

void run_gather(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const gather *g = (const gather *)instruction;
  int64_t bytes = element_bytes(g->x.type), row = g->width * bytes;
  const char *x = place(c, &g->x);
  const int32_t *index = (const int32_t *)place(c, &g->indices) + begin * g->indices.item;
  char *result = (char *)place(c, &g->result) + begin * g->result.item * bytes;
  int64_t x_step = g->x_row * bytes, result_step = g->result.item * bytes;
  for (int64_t i = begin; i < end; i++, index += g->indices.item, result += result_step) {
    if (*index < 0 || *index >= g->table) memset(result, 0, row);
    else if (row == 4) memcpy(result, x + *index * x_step, 4);
    else memcpy(result, x + *index * x_step, row);
  }
}
