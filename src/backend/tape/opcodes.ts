// Numbers of the instructions (the twin of src/kernels/opcodes.h and of the codes in src/kernels/group.h).

export const opcode = {
  innerLoop: 0,
  group: 1,
  contract: 2,
  pack: 3,
  reduce: 4,
  attention: 5,
  attentionGradient: 6,
  rotary: 7,
  gather: 8,
  scatterAdd: 9,
  sort: 10,
  cumulativeSum: 11,
  triangularSolve: 12,
  groupedProduct: 13,
  groupedOuter: 14,
  longConvolution: 15,
  shortConvolution: 16,
  shortConvolutionGradient: 17,
  linearRecurrence: 18,
  dynamicSlice: 19,
  dynamicUpdate: 20,
} as const;

/** Codes of group instructions in the order of the enum in group.h. */
export const groupCodes = [
  ...["NEGATE", "ABS", "SIGN", "FLOOR", "ROUND", "EXP", "LOG", "SQRT", "RECIPROCAL", "SINE", "COSINE", "TANH"],
  ...["SIGMOID", "ERF", "IS_FINITE"],
  ...["ADD", "SUBTRACT", "MULTIPLY", "DIVIDE", "POWER", "MAXIMUM", "MINIMUM", "EQUAL", "NOT_EQUAL", "LESS"],
  ...["LESS_EQUAL", "MULTIPLY_ADD", "SELECT"],
  ...["INT_NEGATE", "INT_ABS", "INT_SIGN", "INT_ADD", "INT_SUBTRACT", "INT_MULTIPLY", "INT_MAXIMUM", "INT_MINIMUM"],
  ...["INT_EQUAL", "INT_NOT_EQUAL", "INT_LESS", "INT_LESS_EQUAL", "AND", "OR", "XOR", "SHIFT_LEFT", "SHIFT_RIGHT"],
  ...["NOT", "UINT_ADD", "UINT_SUBTRACT", "UINT_MULTIPLY", "UINT_MAXIMUM", "UINT_MINIMUM", "UINT_LESS"],
  ...["UINT_LESS_EQUAL", "UINT_SHIFT_LEFT", "UINT_SHIFT_RIGHT"],
  ...["COPY", "REAL_TO_INT", "REAL_TO_UINT", "REAL_TO_BOOL", "INT_TO_REAL", "UINT_TO_REAL", "INT_TO_UINT"],
  ...["UINT_TO_INT", "INT_TO_BOOL", "ROUND_TO_F16", "ROUND_TO_BF16"],
  ...["ROW_SUM", "ROW_DOT", "ROW_MAXIMUM", "INT_ROW_SUM", "INT_ROW_MAXIMUM", "UINT_ROW_MAXIMUM", "COLUMN_SUM"],
  ...["LOAD", "STORE", "IOTA", "RANDOM"],
] as const;

export type GroupCode = (typeof groupCodes)[number];
