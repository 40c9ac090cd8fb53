// A fused group: a small program over a tile of rows, run tile by tile so that intermediates stay in cache.
//
// The iteration space is `rows` x `length` (header.rows rows). A tile is up to tile_rows rows. Values are
//   TILE registers   tile_rows x length, row-major without gaps (row r of the tile starts at r * length)
//   COLUMN registers one number per row of the tile
//   IMMEDIATE        one real number, the eight bytes of a double in (index, high)
//   INTEGER          one integer, 64 bits in (index, high); only the low 32 count in the float build
//   MEMORY           an operand read or written in place (only types as wide as `real`); its address for row r, column j:
//                    Σ over axes (r / divisor_a % size_a) * stride_a  +  j * column_stride      (elements)
// An instruction runs over a tile (EXTENT_TILE) or over a column (EXTENT_COLUMN: one number per row); a COLUMN operand
// of a tile instruction stands for its whole row. MEMORY operands with column_stride 0 stand for their whole row, too.
// All registers hold `real` or, for integers and bools, `lane`s (bools as 0 or 1; u32 zero-extended, i32 sign-extended
// where lane is wider; integer results wrap to 32 bits). A result may be the very place of an operand.
//
// context.scratch holds, each part beginning at a multiple of LINE_BYTES (src/backend/tape/groupScratch.ts has the sum):
//   tile registers, then four staging tiles   round_up(tile_rows * length * sizeof(real), 64) + 64 bytes each
//   column registers                          round_up(tile_rows * sizeof(real), 64) bytes each
//   accumulators of column sums, in the order of their instructions: round_up(length or 1, 16) reals each
//   row offsets                               four times tile_rows int64
//   places                                    `values` times 8 bytes
#ifndef SCANTLING_GROUP_H
#define SCANTLING_GROUP_H
#include "tape.h"

enum { VALUE_TILE, VALUE_COLUMN, VALUE_IMMEDIATE, VALUE_MEMORY, VALUE_INTEGER };
enum { EXTENT_TILE, EXTENT_COLUMN };

// Scalar functions and the few instructions that are not. u32 variants exist where the sign matters.
enum {
  // unary, real
  G_NEGATE, G_ABS, G_SIGN, G_FLOOR, G_ROUND, G_EXP, G_LOG, G_SQRT, G_RECIPROCAL, G_SINE, G_COSINE, G_TANH, G_SIGMOID,
  G_ERF, G_IS_FINITE,
  // binary, real
  G_ADD, G_SUBTRACT, G_MULTIPLY, G_DIVIDE, G_POWER, G_MAXIMUM, G_MINIMUM, G_EQUAL, G_NOT_EQUAL, G_LESS, G_LESS_EQUAL,
  // ternary: a * b + c (contracted to one FMA where the machine has it); condition ? b : c
  G_MULTIPLY_ADD, G_SELECT,
  // integer and bool
  G_INT_NEGATE, G_INT_ABS, G_INT_SIGN, G_INT_ADD, G_INT_SUBTRACT, G_INT_MULTIPLY, G_INT_MAXIMUM, G_INT_MINIMUM,
  G_INT_EQUAL, G_INT_NOT_EQUAL, G_INT_LESS, G_INT_LESS_EQUAL, G_AND, G_OR, G_XOR, G_SHIFT_LEFT, G_SHIFT_RIGHT, G_NOT,
  G_UINT_ADD, G_UINT_SUBTRACT, G_UINT_MULTIPLY, G_UINT_MAXIMUM, G_UINT_MINIMUM, G_UINT_LESS, G_UINT_LESS_EQUAL,
  G_UINT_SHIFT_LEFT, G_UINT_SHIFT_RIGHT,
  // casts between register kinds (storage types are converted by G_LOAD and G_STORE)
  G_COPY, G_REAL_TO_INT, G_REAL_TO_UINT, G_REAL_TO_BOOL, G_INT_TO_REAL, G_UINT_TO_REAL, G_INT_TO_UINT, G_UINT_TO_INT,
  G_INT_TO_BOOL, G_ROUND_TO_F16, G_ROUND_TO_BF16,
  // tile -> column: sum of a row, sum of the products of two rows, largest of a row
  G_ROW_SUM, G_ROW_DOT, G_ROW_MAXIMUM,
  // the same of integers; a u32 sum is followed by G_INT_TO_UINT
  G_INT_ROW_SUM, G_INT_ROW_MAXIMUM, G_UINT_ROW_MAXIMUM,
  // adds the rows of a tile (or the entries of a column) into accumulators that are written, when the group's rows are
  // done, to row `group` of the MEMORY destination (length elements, or one)
  G_COLUMN_SUM,
  // memory of any type and stride <-> register, converting (destination of G_STORE, source of G_LOAD is MEMORY)
  G_LOAD, G_STORE,
  // flat index (row * length + column) / inner % size, as int (b, c: INTEGER inner, size); EXTENT_COLUMN: row / inner % size
  G_IOTA,
  // Threefry-2x32 (20 rounds) of counter (low, high word of flat index + offset) under the key of two u32 at MEMORY a
  // (row 0): first output word xor second, as uint. Offset: INTEGER b, 0 where b is -1
  G_RANDOM,
  G_CODES
};

typedef struct {
  word kind;        // VALUE_…
  word index, high; // register number; IMMEDIATE and INTEGER: low and high word
  operand memory;   // MEMORY only
  word axes;      // number of axes that the row index is decomposed into
  word divisor[MAX_AXES], size[MAX_AXES], stride[MAX_AXES];
  word column_stride;
} group_value;

typedef struct {
  word code, extent;
  word result, a, b, c; // indices of values; -1 where unused
} group_instruction;

// Followed by `values` group_values and `instructions` group_instructions.
typedef struct {
  header h;
  word length, tile_rows;
  word tile_registers, column_registers, accumulators; // accumulators: `real`s that G_COLUMN_SUMs keep, as rounded above
  word values, instructions;
} group;

#endif
