// What the library shows of the tensor graph: building computations, differentiating them, evaluating them. How ops are
// made, compiled and rearranged stays inside.

export { gelu, geluTanh, relu, silu, softplus, squaredRelu, swiglu } from "./composites/activation.ts";
export { type AttentionOptions, attention } from "./composites/attention.ts";
export { headConvolution } from "./composites/headConvolution.ts";
export { longConvolution } from "./composites/longConvolution.ts";
export { type CrossEntropy, crossEntropies, crossEntropy, meanSquaredError } from "./composites/loss.ts";
export { type MatrixRecurrenceAttributes, matrixRecurrence } from "./composites/matrixRecurrence.ts";
export { layerNorm, rmsNorm } from "./composites/normalization.ts";
export { rotary, rotaryTables } from "./composites/rotary.ts";
export { type SelectiveScanInputs, selectiveScan } from "./composites/selectiveScan.ts";
export { shortConvolution } from "./composites/shortConvolution.ts";
export { logSoftmax, logSumExp, softmax } from "./composites/softmax.ts";
export { evaluate } from "./evaluate.ts";
export { gradients, type JacobianOptions, vectorJacobian } from "./gradient.ts";
export { einsum, linear, matmul, swapLast } from "./ops/contract.ts";
export { cumulativeSum } from "./ops/cumulative.ts";
export { dynamicSlice, dynamicUpdate, type Starts } from "./ops/dynamic.ts";
export {
  abs,
  add,
  and,
  cast,
  cosine,
  divide,
  equal,
  erf,
  exp,
  floor,
  greater,
  greaterEqual,
  isFiniteAt,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  not,
  notEqual,
  type Operand,
  or,
  power,
  reciprocal,
  round,
  select,
  shiftLeft,
  shiftRight,
  sigmoid,
  sign,
  sine,
  sqrt,
  square,
  stopGradient,
  subtract,
  tanh,
  xor,
} from "./ops/elementwise.ts";
export { addAlong, gather, scatterAdd, takeAlong } from "./ops/gather.ts";
export { groupedOuter, groupedProduct } from "./ops/grouped.ts";
export { fill, input, iota, literal } from "./ops/leaf.ts";
export { broadcastTo, concatenate, flip, pad, reshape, slice, split, transpose } from "./ops/movement.ts";
export { bernoulli, dropout, foldIn, normal, randomBits, uniform } from "./ops/random.ts";
export { linearRecurrence } from "./ops/recurrence.ts";
export { max, mean, min, sum } from "./ops/reduce.ts";
export { type ScanInputs, type ScanResult, type ScanStep, scan } from "./ops/scan.ts";
export { argMaximum, type Sorted, sort, topK } from "./ops/sort.ts";
export { lowerTriangle, triangularSolve } from "./ops/triangular.ts";
export { type Program, program, programInputs, programResults } from "./program.ts";
export {
  type DType,
  isFloat,
  type Lowering,
  type NdArray,
  type Node,
  type Op,
  type Shape,
  type Strided,
  sameShape,
  sizeOf,
  type Tensor,
  type TensorType,
} from "./tensor.ts";
