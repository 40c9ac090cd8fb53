// Products: C = scale * A B + addend, A rows x depth, B depth x columns, C rows x columns with unit column stride.
#ifndef SCANTLING_CONTRACT_H
#define SCANTLING_CONTRACT_H
#include "tape.h"

// What a row of the instruction is:
//   SPLIT_ROWS   a row of C; one product (batch sizes all 1). Used inside segments of several instructions.
//   SPLIT_BATCH  all products of one index of the first batch axis
//   SPLIT_TILES  a tile of C: batches x ceil(columns / tile_columns) x ceil(rows / tile_rows), row tiles innermost;
//                tile_columns is a multiple of PACK_COLUMNS, or all columns
// The split changes no result: every entry of C is summed in an order that the product's shape and strides alone fix.
enum { SPLIT_ROWS, SPLIT_BATCH, SPLIT_TILES };

// Blocks of the loops; src/backend/tape/contract.ts has the same numbers to size the scratch memory.
enum {
  DEPTH_BLOCK = 384,  // depth summed in registers before C is touched, at most
  COLUMN_BLOCK = 384, // columns of B whose DEPTH_BLOCK rows stay in the second-level cache
  ROW_BLOCK = 96,     // rows of A that are copied at a time
  ROW_GAP = 16,       // elements that copied rows may be further apart than they are long
  PACK_COLUMNS = 64,  // columns that one row of a `packing` stands for: whole panels at any vector width
  FEW_ROWS = 8,       // up to so many rows, B is not copied where that can be: its entries are used too seldom
  FEW_COLUMNS = 4     // up to so many columns, by dot products
};

typedef struct {
  header h;
  word split, tile_rows, tile_columns;
  word rows, columns, depth;
  word batch[MAX_AXES];                                // sizes of the batch axes, 1 where unused
  operand a, b, c, addend;                             // addend.space = SPACE_NONE where there is none; it may be C
  word a_row, a_depth, b_depth, b_column, c_row, addend_row, addend_column; // strides, elements; any, even 0, but c_row
  word a_batch[MAX_AXES], b_batch[MAX_AXES], c_batch[MAX_AXES], addend_batch[MAX_AXES];
  word packed;   // 1: b is what OP_PACK wrote (whole B, one product)
  word scale[2]; // a double, its low word first
} contraction;

// Copies B into the panel order that the product's inner loop reads, once per step for all rows that share it.
// header.rows = ceil(columns / PACK_COLUMNS); `packed` has round_up(columns, PACK_COLUMNS) * depth elements.
typedef struct {
  header h;
  word columns, depth;
  operand b, packed;
  word b_depth, b_column;
} packing;

#endif
