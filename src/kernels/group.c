// Runs a fused group: tile after tile of rows, instruction after instruction on each. Finds where operands are and
// brings them into a form that the loops in group_*.c take; knows no scalar function.
#include "group_tile.h"
#include "kernels.h"

// Eight bytes for a value: where it is in memory, or what it is.
typedef union {
  char *address;
  real number;
  lane integer;
} slot;

typedef struct {
  const group *g;
  const group_value *values;
  const group_instruction *instructions;
  char *tiles, *columns;
  real *accumulators;
  int64_t *offsets;
  slot *slots;
  int64_t tile_bytes, column_bytes;
} frame;

enum { STAGING_TILES = 4, STAGED_RESULT = 3, ACCUMULATOR_ALIGNMENT = 16 };

static frame open_frame(const context *c, const group *g) {
  frame f = {.g = g, .values = (const group_value *)(g + 1)};
  f.instructions = (const group_instruction *)(f.values + g->values);
  f.tile_bytes = round_up((int64_t)g->tile_rows * g->length * (int64_t)sizeof(real), LINE_BYTES) + LINE_BYTES;
  f.column_bytes = round_up(g->tile_rows * (int64_t)sizeof(real), LINE_BYTES);
  f.tiles = c->scratch;
  f.columns = f.tiles + (g->tile_registers + STAGING_TILES) * f.tile_bytes;
  char *next = f.columns + g->column_registers * f.column_bytes;
  f.accumulators = (real *)next;
  next += round_up(g->accumulators * (int64_t)sizeof(real), LINE_BYTES);
  f.offsets = (int64_t *)next;
  f.slots = (slot *)(next + round_up(4 * g->tile_rows * (int64_t)sizeof(int64_t), LINE_BYTES));
  for (word i = 0; i < g->values; i++) {
    const group_value *v = &f.values[i];
    uint64_t bits = (uint64_t)(uint32_t)v->high << 32 | (uint32_t)v->index;
    double number;
    memcpy(&number, &bits, sizeof number);
    if (v->kind == VALUE_MEMORY) f.slots[i].address = place(c, &v->memory);
    else if (v->kind == VALUE_IMMEDIATE) f.slots[i].number = (real)number;
    else f.slots[i].integer = (lane)bits;
  }
  for (word i = 0; i < g->accumulators; i++) f.accumulators[i] = 0;
  return f;
}

// Rows from `row` on whose address rises by the same number of elements.
typedef struct {
  int64_t start, slope, rows;
} run;

static run next_run(const group_value *v, int64_t row, int64_t most) {
  run x = {0, 0, most};
  for (word a = 0; a < v->axes; a++) {
    if (v->stride[a] == 0 || v->size[a] == 1) continue;
    uint32_t divisor = (uint32_t)v->divisor[a], quotient = (uint32_t)row / divisor;
    uint32_t index = quotient % (uint32_t)v->size[a];
    x.start += (int64_t)index * v->stride[a];
    if (divisor == 1) {
      x.slope += v->stride[a];
      x.rows = smaller(x.rows, v->size[a] - index);
    } else x.rows = smaller(x.rows, divisor - ((uint32_t)row - quotient * divisor));
  }
  return x;
}

static view view_memory(const group_value *v, char *base, int64_t first, int64_t rows, int64_t *offsets) {
  view x = {.base = base, .column = v->column_stride, .type = v->memory.type};
  run part = next_run(v, first, rows);
  if (part.rows == rows) {
    x.base += part.start * element_bytes(x.type);
    x.row = part.slope;
    return x;
  }
  for (int64_t r = 0;;) {
    for (int64_t i = 0; i < part.rows; i++) offsets[r + i] = part.start + i * part.slope;
    r += part.rows;
    if (r == rows) break;
    part = next_run(v, first + r, rows - r);
  }
  x.offsets = offsets;
  return x;
}

// `which`: 0 to 2 an operand, 3 the result.
static view view_value(const frame *f, word index, int which, int64_t first, int64_t rows) {
  if (index < 0) return (view){0};
  const group_value *v = &f->values[index];
  switch (v->kind) {
  case VALUE_TILE: return (view){.base = f->tiles + v->index * f->tile_bytes, .row = f->g->length, .column = 1};
  case VALUE_COLUMN: return (view){.base = f->columns + v->index * f->column_bytes, .row = 1};
  case VALUE_MEMORY:
    return view_memory(v, f->slots[index].address, first, rows, f->offsets + (int64_t)which * f->g->tile_rows);
  default: return (view){.base = (char *)&f->slots[index]};
  }
}

static view staging(const frame *f, int which, int64_t length) {
  return (view){.base = f->tiles + (f->g->tile_registers + which) * f->tile_bytes, .row = length, .column = 1};
}

static bool is_flat(const view *v, int64_t length) { return v->offsets == NULL && v->column == 1 && v->row == length; }
static bool is_one(const view *v) { return v->offsets == NULL && v->column == 0 && v->row == 0; }

// A contiguous copy of an operand.
static void pack(const frame *f, task *t, int which) {
  task copy = {.code = G_LOAD, .rows = t->rows, .length = t->length, .operand = {t->operand[which]}};
  copy.operand[0].type = TYPE_REAL;
  copy.result = staging(f, which, t->length);
  group_load(&copy);
  t->operand[which] = copy.result;
}

// A group's rows of one number each are one row of many.
static void exchange_axes(view *v) {
  if (v->offsets != NULL) return;
  v->column = v->row;
  v->row = 0;
}

// Whether a loop along rows would be too short, or steps through memory.
static bool is_awkward(const view *v, int64_t length) {
  return v->column > 1 || v->column < 0 || (length < LANES && !is_flat(v, length) && !is_one(v));
}

// Brings a task into a form in which columns have stride 0 or 1 and rows are few and long. Where the result is computed
// aside, `finish` is left with what stores it and true is returned.
static bool prepare(const frame *f, task *t, int operands, task *finish) {
  bool aside = false;
  if (t->length == 1) {
    for (int i = 0; i < operands; i++)
      if (t->operand[i].offsets != NULL) pack(f, t, i);
    if (t->result.offsets != NULL) {
      *finish = (task){.code = G_STORE, .rows = t->rows, .length = 1, .result = t->result};
      t->result = finish->operand[0] = staging(f, STAGED_RESULT, 1);
      aside = true;
    }
    for (int i = 0; i < operands; i++) exchange_axes(&t->operand[i]);
    exchange_axes(&t->result);
    t->length = t->rows;
    t->rows = 1;
  }
  bool merge = t->rows > 1;
  for (int i = 0; i < operands; i++) {
    if (is_awkward(&t->operand[i], t->rows == 1 ? LANES : t->length)) pack(f, t, i);
    merge = merge && (is_flat(&t->operand[i], t->length) || is_one(&t->operand[i]));
  }
  if (is_awkward(&t->result, t->rows == 1 ? LANES : t->length)) {
    *finish = (task){.code = G_STORE, .rows = t->rows, .length = t->length, .result = t->result};
    t->result = finish->operand[0] = staging(f, STAGED_RESULT, t->length);
    aside = true;
  }
  if (merge && is_flat(&t->result, t->length)) {
    t->length *= t->rows;
    t->rows = 1;
  }
  return aside;
}

static handler *handler_of(word code) {
  if (code <= G_IS_FINITE) return group_unary;
  if (code <= G_SELECT) return group_binary;
  if (code <= G_UINT_SHIFT_RIGHT) return group_integer;
  if (code <= G_ROUND_TO_BF16) return group_convert;
  if (code <= G_UINT_ROW_MAXIMUM) return group_reduce;
  switch (code) {
  case G_LOAD: return group_load;
  case G_STORE: return group_store;
  case G_IOTA: return group_iota;
  default: return group_random;
  }
}

// Loads and stores take any view; rows without gaps on both sides become one.
static void merge_transfer(task *t) {
  view *x = &t->operand[0], *y = &t->result;
  if (t->length == 1 && x->offsets == NULL && y->offsets == NULL) {
    exchange_axes(x);
    exchange_axes(y);
    t->length = t->rows;
    t->rows = 1;
  } else if ((is_flat(x, t->length) || is_one(x)) && is_flat(y, t->length)) {
    t->length *= t->rows;
    t->rows = 1;
  }
}

static void open_task(const frame *f, const group_instruction *i, int64_t first, int64_t rows, task *t) {
  t->code = i->code;
  t->rows = rows;
  t->length = i->extent == EXTENT_TILE ? f->g->length : 1;
  t->first = first * t->length;
  t->operand[0] = view_value(f, i->a, 0, first, rows);
  t->operand[1] = view_value(f, i->b, 1, first, rows);
  t->operand[2] = view_value(f, i->c, 2, first, rows);
  t->result = view_value(f, i->code == G_COLUMN_SUM ? -1 : i->result, STAGED_RESULT, first, rows);
}

// Runs an instruction on a tile. What was prepared is left in `t`; true if the same would do for the next tile with new
// addresses: nothing had to be copied.
static bool run_afresh(const frame *f, const group_instruction *i, task *t) {
  const int operands = (i->a >= 0) + (i->b >= 0) + (i->c >= 0);
  const char *before[3] = {t->operand[0].base, t->operand[1].base, t->operand[2].base};
  bool steady = !t->operand[0].offsets && !t->operand[1].offsets && !t->operand[2].offsets && !t->result.offsets;
  bool aside = false;
  task finish;
  if (i->code == G_LOAD || i->code == G_STORE) merge_transfer(t);
  else if (i->code == G_IOTA || i->code == G_RANDOM) aside = prepare(f, t, 0, &finish);
  else if (handler_of(i->code) == group_reduce) {
    for (int o = 0; o < operands; o++)
      if (t->operand[o].column != 1) pack(f, t, o);
  } else aside = prepare(f, t, operands, &finish);
  handler_of(i->code)(t);
  if (aside) {
    finish.result.type = TYPE_REAL;
    group_store(&finish);
  }
  for (int o = 0; o < operands; o++) steady = steady && t->operand[o].base == before[o];
  return steady && !aside;
}

static void run_column_sum(const frame *f, task *t, real *accumulators) {
  bool single = t->length == 1;
  if (t->operand[0].column != 1 || single) pack(f, t, 0);
  if (single) accumulators[0] += group_total(&t->operand[0], t->rows);
  else group_column_sum(t, accumulators);
}

// An instruction prepared for whole tiles.
typedef struct {
  handler *run;
  task work;
  bool steady;
} step;

enum { KEPT_STEPS = 256 };

// New address of a memory operand for another tile; false if its rows are not evenly spaced there.
static bool move_view(const frame *f, word index, view *v, int64_t first) {
  if (index < 0 || f->values[index].kind != VALUE_MEMORY) return true;
  run part = next_run(&f->values[index], first, f->g->tile_rows);
  v->base = f->slots[index].address + part.start * element_bytes(f->values[index].memory.type);
  return part.rows == f->g->tile_rows;
}

static bool move_step(const frame *f, const group_instruction *i, step *s, int64_t first) {
  s->work.first = i->extent == EXTENT_TILE ? first * f->g->length : first;
  return move_view(f, i->a, &s->work.operand[0], first) && move_view(f, i->b, &s->work.operand[1], first) &&
         move_view(f, i->c, &s->work.operand[2], first) && move_view(f, i->result, &s->work.result, first);
}

static void run_tile(const frame *f, step *steps, int64_t first, int64_t rows) {
  real *accumulators = f->accumulators;
  const bool whole = rows == f->g->tile_rows;
  for (word k = 0; k < f->g->instructions; k++) {
    const group_instruction *i = &f->instructions[k];
    step *s = whole && k < KEPT_STEPS ? &steps[k] : NULL;
    if (s != NULL && s->steady && move_step(f, i, s, first)) {
      s->run(&s->work);
      continue;
    }
    task spare, *t = s != NULL && !s->steady ? &s->work : &spare;
    open_task(f, i, first, rows, t);
    if (i->code == G_COLUMN_SUM) {
      int64_t width = t->length;
      run_column_sum(f, t, accumulators);
      accumulators += round_up(width, ACCUMULATOR_ALIGNMENT);
    } else {
      bool steady = run_afresh(f, i, t);
      if (t != &spare) s->steady = steady;
      if (t != &spare) s->run = handler_of(i->code);
    }
  }
}

// The accumulators of each column sum, to the row of the destination that belongs to this group of rows.
static void write_column_sums(const frame *f, int64_t number) {
  const real *accumulators = f->accumulators;
  for (word k = 0; k < f->g->instructions; k++) {
    const group_instruction *i = &f->instructions[k];
    if (i->code != G_COLUMN_SUM) continue;
    int64_t width = i->extent == EXTENT_TILE ? f->g->length : 1;
    view to = view_value(f, i->result, STAGED_RESULT, number, 1);
    if (to.column == 0) to.column = 1; // one number
    task t = {.code = G_STORE, .rows = 1, .length = width, .result = to};
    t.operand[0] = (view){.base = (char *)accumulators, .row = width, .column = 1};
    group_store(&t);
    accumulators += round_up(width, ACCUMULATOR_ALIGNMENT);
  }
}

void run_group(const context *c, const header *instruction, int64_t begin, int64_t end) {
  frame f = open_frame(c, (const group *)instruction);
  step steps[KEPT_STEPS];
  for (word k = 0; k < smaller(f.g->instructions, KEPT_STEPS); k++) steps[k].steady = false;
  for (int64_t first = begin; first < end; first += f.g->tile_rows) {
    run_tile(&f, steps, first, smaller(f.g->tile_rows, end - first));
  }
  if (f.g->accumulators > 0) write_column_sums(&f, c->group);
}
