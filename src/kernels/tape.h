// The tape: how a plan reaches the C kernels. Shapes, places and strides only; nothing here knows graphs or models.
//
// A tape is an array of 32-bit words:  entry, entry, …
//   SEGMENT  groups of rows; every thread takes group after group and runs all instructions of the segment on it
//   LOOP     repeats the entries inside it
// Work is cut into groups by shape alone and every value is computed by one thread in one order, so results do not
// depend on the number of threads.
#ifndef SCANTLING_TAPE_H
#define SCANTLING_TAPE_H
#include <stddef.h>
#include <stdint.h>

#ifdef SCANTLING_DOUBLE
typedef double real;
typedef int64_t lane; // an integer as wide as `real`, so that both fit one vector register
typedef uint64_t ulane;
#else
typedef float real;
typedef int32_t lane;
typedef uint32_t ulane;
#endif

typedef int32_t word;

enum { LINE_BYTES = 64, MAX_LOOPS = 8, MAX_AXES = 8 };

// Element types in memory. TYPE_REAL is `real`: four bytes, or eight in the double build.
enum { TYPE_REAL, TYPE_I32, TYPE_U32, TYPE_BOOL, TYPE_F16, TYPE_BF16 };

// Where an operand lives. Bindings are the caller's named values; LOCAL is this thread's block for one group.
enum { SPACE_NONE = -1, SPACE_ARENA = 0, SPACE_LOCAL = 1, SPACE_BINDING = 2 };

// A place in memory. Its address for loop counters i0, i1, … is
//   base(space) + line * LINE_BYTES + (element + Σ step[d] * i_d) * size(type)
// and row r of it is `item` elements further per row. A LOCAL operand holds the rows of the current group only.
typedef struct {
  word space, type, line, element, item;
  word step[MAX_LOOPS];
} operand;

enum { ENTRY_SEGMENT = 1, ENTRY_LOOP = 2 };

typedef struct {
  word kind;    // ENTRY_SEGMENT or ENTRY_LOOP
  word words;   // length of this entry, header included
  word groups;  // segment: number of groups; loop: number of repetitions
  word count;   // segment: number of instructions; loop: number of entries
  word barrier; // segment: 1 if it reads what an earlier segment since the last barrier wrote, or overwrites what one read
} entry;

// Every instruction begins with this. Rows are the instruction's unit of partition: group g has rows
// [g * rows_per_group, min((g + 1) * rows_per_group, rows)).
typedef struct {
  word opcode;
  word words; // length of this instruction, header included
  word rows;
  word rows_per_group;
} header;

// A loop inside a segment: `repeat` times the `count` instructions that follow, by one thread for one group. Its own
// header has rows = rows_per_group = 0.
typedef struct {
  header h;
  word repeat;
  word count;
} inner_loop;

// What a kernel sees. One per thread.
typedef struct {
  char *arena;
  char *local;
  char *scratch; // LINE_BYTES-aligned working memory of the size the tape was encoded with
  char *const *bindings;
  int64_t loop[MAX_LOOPS];
  int depth;      // how many of loop[] are running
  int64_t group;  // current group
  int64_t origin; // first row of the current group of the current instruction
} context;

static inline int64_t element_bytes(word type) {
  switch (type) {
  case TYPE_REAL: return sizeof(real);
  case TYPE_I32:
  case TYPE_U32: return 4;
  case TYPE_BOOL: return 1;
  default: return 2;
  }
}

// The address of row 0 of an operand: add row * item elements for absolute row numbers, LOCAL operands included.
static inline void *place(const context *c, const operand *o) {
  int64_t element = o->element;
  for (int d = 0; d < c->depth; d++) element += o->step[d] * c->loop[d];
  char *base;
  switch (o->space) {
  case SPACE_NONE: return NULL;
  case SPACE_ARENA: base = c->arena; break;
  case SPACE_LOCAL:
    base = c->local;
    element -= c->origin * o->item;
    break;
  default: base = c->bindings[o->space - SPACE_BINDING]; break;
  }
  return base + (int64_t)o->line * LINE_BYTES + element * element_bytes(o->type);
}

// A kernel computes rows [begin, end) of its instruction.
typedef void kernel(const context *c, const header *instruction, int64_t begin, int64_t end);

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

#endif
