// OP_CONTRACT and OP_PACK: products of whole operands, block by block.
//
// Depth is cut into equal blocks, each summed in registers; C takes them in ascending order. Shape and strides alone
// choose the blocks and the way they are summed, so the split into rows, batches or tiles changes no bit.
#include "contract.h"
#include "panel.h"

#define INLINE static inline __attribute__((always_inline))

typedef struct {
  int64_t rows, columns, depth;
  matrix a, b, addend;
  real *c;
  int64_t c_row;
  real scale;
  int packed;
  real *b_copy, *a_copy; // scratch memory
} product;

// Rows and columns of C from (row, column) on.
typedef struct {
  int64_t row, column, rows, columns;
} region;

static inline matrix part(matrix m, int64_t i, int64_t j) {
  if (m.data != NULL) m.data += i * m.row + j * m.column;
  return m;
}

// What the depth block from k on is added to: the addend, then what the blocks before have left in C.
static inline matrix sum_before(const product *p, int64_t k, int64_t row, int64_t column) {
  matrix c = {p->c, p->c_row, 1};
  return part(k == 0 ? p->addend : c, row, column);
}

static inline real *c_at(const product *p, int64_t row, int64_t column) { return p->c + row * p->c_row + column; }

// Length of all depth blocks but the last, which may be shorter.
static int64_t depth_block(int64_t depth) {
  int64_t blocks = (depth + DEPTH_BLOCK - 1) / DEPTH_BLOCK;
  return blocks <= 1 ? depth : round_up((depth + blocks - 1) / blocks, 16);
}

// ---- few rows or few columns: dot products along the depth

// dots[i][j] = row i of a times column j of b, both contiguous. rows and columns are constants where this is inlined.
INLINE void dot_tile(const int rows, const int columns, int64_t depth, matrix a, matrix b, real *dots) {
  vreal sum[4][4] = {{{0}}};
  int64_t k = 0;
  for (; k + LANES <= depth; k += LANES) {
    vreal right[4];
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++) right[j] = vload(b.data + j * b.column + k);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
      vreal left = vload(a.data + i * a.row + k);
#pragma GCC unroll 4
      for (int j = 0; j < columns; j++) sum[i][j] = vfma(left, right[j], sum[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++) {
      if (k < depth) {
        vreal left = vload_part(a.data + i * a.row + k, depth - k);
        sum[i][j] = vfma(left, vload_part(b.data + j * b.column + k, depth - k), sum[i][j]);
      }
      dots[i * columns + j] = vsum(sum[i][j]);
    }
}

static void run_dots(int rows, int columns, int64_t depth, matrix a, matrix b, real *dots) {
  if (columns == 4) rows == 2 ? dot_tile(2, 4, depth, a, b, dots) : dot_tile(1, 4, depth, a, b, dots);
  else rows == 4 ? dot_tile(4, 1, depth, a, b, dots) : dot_tile(1, 1, depth, a, b, dots);
}

static void store_dots(const product *p, int64_t k, region r, const real *dots) {
  matrix before = sum_before(p, k, r.row, r.column);
  for (int64_t i = 0; i < r.rows; i++)
    for (int64_t j = 0; j < r.columns; j++) {
      real sum = before.data ? before.data[i * before.row + j * before.column] : 0;
      *c_at(p, r.row + i, r.column + j) = p->scale * dots[i * r.columns + j] + sum;
    }
}

// a: the region's rows, b: its columns, both from depth k on and contiguous along it.
static void dot_block(const product *p, region r, int64_t k, int64_t depth, matrix a, matrix b) {
  real dots[8];
  for (int64_t j = 0, wide; j < r.columns; j += wide) {
    wide = r.columns - j >= 4 ? 4 : 1;
    int64_t most = wide == 4 ? 2 : 4;
    for (int64_t i = 0, high; i < r.rows; i += high) {
      high = r.rows - i >= most ? most : 1;
      run_dots((int)high, (int)wide, depth, part(a, i, 0), part(b, 0, j), dots);
      store_dots(p, k, (region){r.row + i, r.column + j, high, wide}, dots);
    }
  }
}

// Dots need both operands contiguous along the depth; the one of which there is little may be copied to be so.
static int by_dots(const product *p) {
  if (p->packed) return 0;
  return (p->rows <= FEW_ROWS && p->b.row == 1) || (p->columns <= FEW_COLUMNS && p->a.column == 1);
}

static matrix gather_a(const product *p, region r, int64_t k, int64_t depth) {
  matrix a = part(p->a, r.row, k);
  if (a.column == 1) return a;
  for (int64_t i = 0; i < r.rows; i++)
    for (int64_t l = 0; l < depth; l++) p->a_copy[i * depth + l] = a.data[i * a.row + l * a.column];
  return (matrix){p->a_copy, depth, 1};
}

static matrix gather_b(const product *p, region r, int64_t k, int64_t depth) {
  matrix b = part(p->b, k, r.column);
  if (b.row == 1) return b;
  for (int64_t l = 0; l < depth; l++)
    for (int64_t j = 0; j < r.columns; j++) p->a_copy[j * depth + l] = b.data[l * b.row + j * b.column];
  return (matrix){p->a_copy, 1, depth};
}

static void dot_region(const product *p, region r) {
  int64_t block = depth_block(p->depth);
  for (int64_t k = 0; k < p->depth; k += block) {
    int64_t depth = smaller(block, p->depth - k);
    dot_block(p, r, k, depth, gather_a(p, r, k, depth), gather_b(p, r, k, depth));
  }
}

// ---- everything else: panels of B

// B is read in place where its columns are contiguous, whole vectors, and used too seldom to be worth a copy, or where the
// block lies together in the first-level cache anyway.
static int in_place(const product *p, int64_t columns) {
  enum { FIRST_LEVEL = 16384 / sizeof(real) };
  if (p->packed || p->b.column != 1 || columns % LANES != 0) return 0;
  return p->rows <= FEW_ROWS || (p->b.row > 0 && p->b.row * p->depth <= FIRST_LEVEL);
}

static panels right_panels(const product *p, int64_t k, int64_t depth, int64_t column, int64_t columns) {
  if (p->packed) return panel_from(panel_packed(p->b.data, p->depth, p->columns), k, column);
  matrix b = part(p->b, k, column);
  if (in_place(p, columns)) return panel_in_place(b.data, b.row);
  return panel_pack(p->b_copy, b, depth, columns);
}

// What the copies of the next depth block, from k on, will read.
static void set_upcoming(const product *p, region r, int64_t k, upcoming *soon) {
  int64_t depth = smaller(depth_block(p->depth), p->depth - k);
  if (depth <= 0) return;
  if (p->a.row == 1) soon[0] = (upcoming){part(p->a, r.row, k).data, p->a.column, depth, r.rows, 0};
  if (p->b.column == 1 && !p->packed) soon[1] = (upcoming){part(p->b, k, r.column).data, p->b.row, depth, r.columns, 0};
}

static void multiply_copied(const product *p, region r, int64_t k, int64_t depth, panels b) {
  upcoming soon[2] = {{0}};
  set_upcoming(p, r, k + depth, soon);
  for (int64_t i = r.row; i < r.row + r.rows; i += ROW_BLOCK) {
    int64_t rows = smaller(ROW_BLOCK, r.row + r.rows - i);
    panel_copy_rows(p->a_copy, part(p->a, i, k), rows, depth);
    panel_product_copied(rows, r.columns, depth, p->a_copy, b, c_at(p, i, r.column), p->c_row,
                         sum_before(p, k, i, r.column), p->scale, soon);
  }
}

// With rows of A copied to be ROW_GAP elements more than their length apart.
static void multiply_spread(const product *p, region r, int64_t k, int64_t depth, panels b) {
  matrix copy = {p->a_copy, depth + ROW_GAP, 1};
  for (int64_t i = r.row; i < r.row + r.rows; i += ROW_BLOCK) {
    int64_t rows = smaller(ROW_BLOCK, r.row + r.rows - i);
    for (int64_t j = 0; j < rows; j++)
      memcpy(p->a_copy + j * copy.row, part(p->a, i + j, k).data, depth * sizeof(real));
    panel_product(rows, r.columns, depth, copy, b, c_at(p, i, r.column), p->c_row, sum_before(p, k, i, r.column),
                  p->scale);
  }
}

// A is read in place, panel after panel, but for
//   - rows that are neither contiguous nor neighbours
//   - rows that are neighbours: every panel would walk over all the depth, a cache line at each step
//   - rows that lie a multiple of a page apart: they would push each other out of the first-level cache
static void multiply_block(const product *p, region r, int64_t k, int64_t depth, panels b) {
  enum { PAGE = 4096 / sizeof(real) };
  int several = r.columns > PANEL_COLUMNS, contiguous = p->a.column == 1;
  if (!contiguous && (several || p->a.row != 1)) multiply_copied(p, r, k, depth, b);
  else if (contiguous && several && r.rows > FEW_ROWS && p->a.row % PAGE == 0) multiply_spread(p, r, k, depth, b);
  else
    panel_product(r.rows, r.columns, depth, part(p->a, r.row, k), b, c_at(p, r.row, r.column), p->c_row,
                  sum_before(p, k, r.row, r.column), p->scale);
}

static void panel_region(const product *p, region r) {
  int64_t block = depth_block(p->depth), end = r.column + r.columns;
  for (int64_t j = r.column, columns; j < end; j += columns) {
    columns = smaller(COLUMN_BLOCK, end - j);
    if (columns > LANES && in_place(p, columns / LANES * LANES)) columns -= columns % LANES; // the rest is packed
    for (int64_t k = 0; k < p->depth; k += block) {
      int64_t depth = smaller(block, p->depth - k);
      multiply_block(p, (region){r.row, j, r.rows, columns}, k, depth, right_panels(p, k, depth, j, columns));
    }
  }
}

// ---- the instruction

static void empty_sum(const product *p, region r) {
  matrix addend = part(p->addend, r.row, r.column);
  for (int64_t i = 0; i < r.rows; i++)
    for (int64_t j = 0; j < r.columns; j++)
      *c_at(p, r.row + i, r.column + j) = addend.data ? addend.data[i * addend.row + j * addend.column] : 0;
}

static void run_region(const product *p, region r) {
  if (p->depth == 0) empty_sum(p, r);
  else if (by_dots(p)) dot_region(p, r);
  else panel_region(p, r);
}

// A stride along an axis of length 1 is never taken: 1 says that it is contiguous.
static inline int64_t stride(word size, word stride) { return size == 1 ? 1 : stride; }

static real scale_of(const contraction *t) {
  double scale;
  memcpy(&scale, t->scale, sizeof scale);
  return (real)scale;
}

static product whole_product(const context *c, const contraction *t) {
  product p = {
      .rows = t->rows,
      .columns = t->columns,
      .depth = t->depth,
      .a = {place(c, &t->a), stride(t->rows, t->a_row), stride(t->depth, t->a_depth)},
      .b = {place(c, &t->b), stride(t->depth, t->b_depth), stride(t->columns, t->b_column)},
      .addend = {place(c, &t->addend), t->addend_row, t->addend_column},
      .c = place(c, &t->c),
      .c_row = t->c_row,
      .scale = scale_of(t),
      .packed = t->packed,
  };
  int64_t depth = depth_block(p.depth), columns = smaller(COLUMN_BLOCK, round_up(p.columns, PACK_COLUMNS));
  p.b_copy = (real *)c->scratch;
  p.a_copy = p.b_copy + (p.packed ? 0 : round_up(columns * depth, LINE_BYTES / sizeof(real)));
  return p;
}

// Product number `index` of the batch.
static product batch_product(const product *whole, const contraction *t, int64_t index) {
  product p = *whole;
  for (int d = MAX_AXES - 1; d >= 0; index /= t->batch[d], d--) {
    int64_t i = index % t->batch[d];
    p.a.data += i * t->a_batch[d];
    p.b.data += i * t->b_batch[d];
    p.c += i * t->c_batch[d];
    if (p.addend.data != NULL) p.addend.data += i * t->addend_batch[d];
  }
  return p;
}

static void run_batches(const product *whole, const contraction *t, int64_t begin, int64_t end) {
  int64_t inner = 1;
  for (int d = 1; d < MAX_AXES; d++) inner *= t->batch[d];
  for (int64_t i = begin * inner; i < end * inner; i++) {
    product p = batch_product(whole, t, i);
    run_region(&p, (region){0, 0, p.rows, p.columns});
  }
}

// Neighbouring row tiles are run as one, so that they share the copy of B.
static void run_tiles(const product *whole, const contraction *t, int64_t begin, int64_t end) {
  int64_t row_tiles = (t->rows + t->tile_rows - 1) / t->tile_rows;
  int64_t column_tiles = (t->columns + t->tile_columns - 1) / t->tile_columns;
  for (int64_t tile = begin, count; tile < end; tile += count) {
    int64_t above = tile % row_tiles, left = tile / row_tiles % column_tiles, batch = tile / row_tiles / column_tiles;
    count = smaller(row_tiles - above, end - tile);
    region r = {.row = above * t->tile_rows, .column = left * t->tile_columns};
    r.rows = smaller(count * t->tile_rows, t->rows - r.row);
    r.columns = smaller(t->tile_columns, t->columns - r.column);
    product p = batch_product(whole, t, batch);
    run_region(&p, r);
  }
}

void run_contract(const context *c, const header *h, int64_t begin, int64_t end) {
  const contraction *t = (const contraction *)h;
  product p = whole_product(c, t);
  if (t->split == SPLIT_BATCH) run_batches(&p, t, begin, end);
  else if (t->split == SPLIT_TILES) run_tiles(&p, t, begin, end);
  else run_region(&p, (region){begin, 0, end - begin, p.columns});
}

void run_pack(const context *c, const header *h, int64_t begin, int64_t end) {
  const packing *t = (const packing *)h;
  int64_t first = begin * PACK_COLUMNS, columns = smaller(end * PACK_COLUMNS, t->columns) - first;
  matrix b = {place(c, &t->b), stride(t->depth, t->b_depth), stride(t->columns, t->b_column)};
  real *packed = place(c, &t->packed);
  panel_pack_columns(packed + first * t->depth, panel_width(t->columns), part(b, 0, first), t->depth, columns);
}
