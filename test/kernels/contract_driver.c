// Runs products from a file, each operand in an allocation of its own. Knows the kernels' calling convention only.
//
// Input, 32-bit words: number of cases, then for each: instructions, bindings, scratch bytes, bytes of each binding, the
// instructions, the bindings' contents. Output: all bindings' contents, in order.
#include "contract.h"
#include "opcodes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

kernel run_contract, run_pack;

enum { MAX_BINDINGS = 8 };

static void take(void *to, size_t bytes, FILE *from) {
  if (fread(to, 1, bytes, from) != bytes) exit(3);
}

static word take_word(FILE *from) {
  word w;
  take(&w, sizeof w, from);
  return w;
}

// Groups run from the last to the first, scratch full of NaN before each: nothing may pass from group to group.
static void run(const header *h, char **bindings, size_t scratch_bytes) {
  int64_t groups = (h->rows + h->rows_per_group - 1) / h->rows_per_group;
  for (int64_t group = groups - 1; group >= 0; group--) {
    context c = {.bindings = bindings, .group = group, .origin = group * h->rows_per_group};
    c.scratch = aligned_alloc(LINE_BYTES, round_up(larger(scratch_bytes, 1), LINE_BYTES));
    memset(c.scratch, 0xff, scratch_bytes);
    (h->opcode == OP_PACK ? run_pack : run_contract)(&c, h, c.origin, smaller(h->rows, c.origin + h->rows_per_group));
    free(c.scratch);
  }
}

static void run_case(FILE *in, FILE *out) {
  word instructions = take_word(in), count = take_word(in), scratch_bytes = take_word(in), bytes[MAX_BINDINGS];
  if (count > MAX_BINDINGS) exit(4);
  take(bytes, count * sizeof(word), in);
  header *list[2];
  if (instructions > 2) exit(5);
  for (word i = 0; i < instructions; i++) {
    header h;
    take(&h, sizeof h, in);
    if (h.words * sizeof(word) != (h.opcode == OP_PACK ? sizeof(packing) : sizeof(contraction))) exit(6);
    list[i] = malloc(h.words * sizeof(word));
    *list[i] = h;
    take(list[i] + 1, (h.words - 4) * sizeof(word), in);
  }
  char *bindings[MAX_BINDINGS];
  for (word i = 0; i < count; i++) {
    bindings[i] = malloc(bytes[i]); // not a byte more: nothing outside is read
    take(bindings[i], bytes[i], in);
  }
  for (word i = 0; i < instructions; i++) {
    run(list[i], bindings, scratch_bytes);
    free(list[i]);
  }
  for (word i = 0; i < count; i++) {
    fwrite(bindings[i], 1, bytes[i], out);
    free(bindings[i]);
  }
}

int main(int count, char **words) {
  if (count != 3) return 2;
  FILE *in = fopen(words[1], "rb"), *out = fopen(words[2], "wb");
  if (!in || !out) return 2;
  for (word cases = take_word(in); cases > 0; cases--) run_case(in, out);
  fclose(in);
  return fclose(out) ? 2 : 0;
}
