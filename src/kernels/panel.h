// Products of blocks that fit the caches: C = scale * A B + addend, B in panels of a few vectors' width. What every kernel
// with a product in it is made of. Knows no instruction.
//
// Each entry of C is one chain of multiply-adds over the depth, in ascending order from zero, then times scale, then plus
// addend: it does not depend on how rows and columns are cut or on how A and B are stored.
#ifndef SCANTLING_PANEL_H
#define SCANTLING_PANEL_H
#include "vector.h"

// Register tiles of PANEL_ROWS x PANEL_VECTORS vectors leave room for B's vectors and one entry of A.
#if VECTOR_BYTES == 64
enum { PANEL_ROWS = 12 };
#elif VECTOR_BYTES == 32
enum { PANEL_ROWS = 6 };
#elif defined(__aarch64__)
enum { PANEL_ROWS = 8 };
#else
enum { PANEL_ROWS = 4 };
#endif
enum { PANEL_VECTORS = 2, PANEL_COLUMNS = PANEL_VECTORS * LANES };

// Entry (i, j) is at data[i * row + j * column]. data may be NULL where a matrix is optional.
typedef struct {
  const real *data;
  int64_t row, column;
} matrix;

// B of a product, panel after panel: entry (k, j) is at data[j / PANEL_COLUMNS * next + k * row + j % PANEL_COLUMNS].
typedef struct {
  const real *data;
  int64_t row, next;
} panels;

// How panel_pack lays out `columns` columns: panels are PANEL_COLUMNS wide, or LANES if one vector holds them all.
static inline int64_t panel_width(int64_t columns) { return columns <= LANES ? (int64_t)LANES : (int64_t)PANEL_COLUMNS; }

// Elements that panel_pack writes; at most round_up(columns, PANEL_COLUMNS) * depth.
static inline int64_t panel_elements(int64_t columns, int64_t depth) {
  return round_up(columns, panel_width(columns)) * depth;
}

// Copies B [depth, columns], of any strides, into panels at `to`; missing columns of the last panel become zeros.
panels panel_pack(real *to, matrix b, int64_t depth, int64_t columns);
// A part of them: `width` is panel_width of all columns; b begins at a multiple of it, and `to` with that panel.
void panel_pack_columns(real *to, int64_t width, matrix b, int64_t depth, int64_t columns);

// What panel_pack wrote at `data`.
static inline panels panel_packed(const real *data, int64_t depth, int64_t columns) {
  return (panels){data, panel_width(columns), panel_width(columns) * depth};
}

// B read in place, without packing: unit column stride, and `columns` a multiple of LANES.
static inline panels panel_in_place(const real *data, int64_t row) { return (panels){data, row, PANEL_COLUMNS}; }

// The panels from row `depth` and column `column` (a multiple of PANEL_COLUMNS) on.
static inline panels panel_from(panels b, int64_t depth, int64_t column) {
  return (panels){b.data + depth * b.row + column / PANEL_COLUMNS * b.next, b.row, b.next};
}

// C [rows, columns] = scale * A [rows, depth] B [depth, columns] + addend [rows, columns]. A has a unit stride in rows or
// in columns (panel_copy_rows makes one); C has unit column stride; addend, of any strides, may be C itself.
void panel_product(int64_t rows, int64_t columns, int64_t depth, matrix a, panels b, real *c, int64_t c_row, matrix addend,
                   real scale);

// Copies A [rows, depth], of any strides, into `to` (rows * depth elements) in an order that panel_product reads fast,
// PANEL_ROWS rows after PANEL_ROWS rows.
void panel_copy_rows(real *to, matrix a, int64_t rows, int64_t depth);

// Memory that is needed soon: `depth` rows of `columns` entries; columns before `done` have been asked for.
typedef struct {
  const real *data;
  int64_t row, depth, columns, done;
} upcoming;

// panel_product with such a copy of A. Tiles fetch a line of columns each of what is upcoming[0] and upcoming[1].
void panel_product_copied(int64_t rows, int64_t columns, int64_t depth, const real *a, panels b, real *c, int64_t c_row,
                          matrix addend, real scale, upcoming *soon);

#endif
