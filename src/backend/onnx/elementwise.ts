// Scalar functions as ONNX operators. Values come in the types of `carrier`: u32 as i64 between 0 and 2³²-1, to which
// every result is brought back. Operands broadcast.
import { broadcastShapes, type CastAttributes, type ElementwiseName } from "../../tensor/ops/elementwise.ts";
import type { DType, Node } from "../../tensor/tensor.ts";
import { type Builder, convert, operator, scalar, type Value } from "./builder.ts";
import type { OnnxType } from "./format.ts";

/** Applies an operator whose operands broadcast and have the result's type, if no other is given. */
export function broadcasting(
  builder: Builder,
  name: string,
  inputs: readonly Value[],
  type: OnnxType = inputs[0]!.type,
): Value {
  const shape = broadcastShapes(
    name,
    inputs.map((input) => input.shape),
  );
  return operator(builder, name, inputs, { type, shape });
}

type Print = (builder: Builder, inputs: readonly Value[], dtype: DType) => Value;

/** An operator of the same meaning for every type that it is given. */
const plain =
  (name: string): Print =>
  (builder, inputs) =>
    broadcasting(builder, name, inputs);

/** The operator on floats; whole numbers are left as they are. */
const ofFloats =
  (name: string): Print =>
  (builder, inputs) =>
    inputs[0]!.type === "f32" ? broadcasting(builder, name, inputs) : inputs[0]!;

/** The operator, and its result modulo 2³² where the dtype is u32. */
const wrapped =
  (name: string): Print =>
  (builder, inputs, dtype) => {
    const result = broadcasting(builder, name, inputs);
    return dtype === "u32" ? lowWord(builder, result) : result;
  };

/** One operator for bools, another for the bits of integers. */
const logical =
  (ofBools: string, ofBits: string): Print =>
  (builder, inputs) =>
    broadcasting(builder, inputs[0]!.type === "bool" ? ofBools : ofBits, inputs);

/** Bools are compared as numbers. */
const comparison =
  (name: string): Print =>
  (builder, inputs) =>
    broadcasting(
      builder,
      name,
      inputs.map((input) => (input.type === "bool" ? convert(builder, input, "i32") : input)),
      "bool",
    );

const equal: Print = (builder, inputs) => broadcasting(builder, "Equal", inputs, "bool");

const table: Record<Exclude<ElementwiseName, "cast">, Print> = {
  stopGradient: (_, [x]) => x!,
  negate: (builder, [x], dtype) =>
    dtype === "u32"
      ? wrapped("Sub")(builder, [scalar("i64", 0), x!], dtype)
      : broadcasting(builder, "Neg", [x!]),
  abs: plain("Abs"),
  sign: plain("Sign"),
  floor: ofFloats("Floor"),
  round: ofFloats("Round"),
  exp: plain("Exp"),
  log: plain("Log"),
  sqrt: plain("Sqrt"),
  reciprocal: plain("Reciprocal"),
  sine: plain("Sin"),
  cosine: plain("Cos"),
  tanh: plain("Tanh"),
  sigmoid: plain("Sigmoid"),
  erf: plain("Erf"),
  not: (builder, [x]) =>
    x!.type === "bool"
      ? broadcasting(builder, "Not", [x!])
      : broadcasting(builder, "Equal", [x!, scalar(x!.type, 0)], "bool"),
  isFinite: (builder, [x]) => {
    if (x!.type !== "f32") return scalar("bool", 1);
    const infinite = broadcasting(builder, "IsInf", [x!], "bool");
    const undefinedNumber = broadcasting(builder, "IsNaN", [x!], "bool");
    return broadcasting(builder, "Not", [broadcasting(builder, "Or", [infinite, undefinedNumber])]);
  },
  add: wrapped("Add"),
  subtract: wrapped("Sub"),
  multiply: (builder, inputs, dtype) =>
    dtype === "u32" ? multiplyWords(builder, inputs) : broadcasting(builder, "Mul", inputs),
  divide: plain("Div"),
  power: plain("Pow"),
  maximum: logical("Or", "Max"),
  minimum: logical("And", "Min"),
  equal,
  notEqual: (builder, inputs, dtype) => broadcasting(builder, "Not", [equal(builder, inputs, dtype)]),
  less: comparison("Less"),
  lessEqual: comparison("LessOrEqual"),
  and: logical("And", "BitwiseAnd"),
  or: logical("Or", "BitwiseOr"),
  xor: logical("Xor", "BitwiseXor"),
  shiftLeft: (builder, [x, by], dtype) => {
    const word = dtype === "i32" ? lowWord(builder, convert(builder, x!, "i64")) : x!;
    return fromWord(builder, lowWord(builder, shift(builder, word, by!, "LEFT")), dtype);
  },
  shiftRight: (builder, [x, by], dtype) => {
    if (dtype === "u32") return shift(builder, x!, by!, "RIGHT");
    // ⌊x / 2ⁿ⌋ of a negative x is the complement of that of its complement.
    const negative = broadcasting(builder, "Less", [x!, scalar("i32", 0)], "bool");
    const flip = (value: Value) =>
      choose(builder, negative, broadcasting(builder, "BitwiseNot", [value]), value);
    const shifted = shift(builder, convert(builder, flip(x!), "i64"), by!, "RIGHT");
    return flip(convert(builder, shifted, "i32"));
  },
  select: (builder, [condition, yes, no]) => choose(builder, condition!, yes!, no!),
};

/** The function of an elementwise node, applied; undefined where there is none of its name. */
export function printElementwise(builder: Builder, node: Node, inputs: readonly Value[]): Value | undefined {
  const { name } = node.op;
  const dtype = node.inputs.at(-1)!.dtype;
  if (name === "cast") return cast(builder, inputs[0]!, dtype, (node.attributes as CastAttributes).to);
  return Object.hasOwn(table, name) ? table[name as keyof typeof table](builder, inputs, dtype) : undefined;
}

/** `yes` where the bool `condition` holds, else `no`; all broadcast. */
export function choose(builder: Builder, condition: Value, yes: Value, no: Value): Value {
  if (yes.type !== "bool") return broadcasting(builder, "Where", [condition, yes, no], yes.type);
  const otherwise = broadcasting(builder, "Not", [condition]);
  return broadcasting(builder, "Or", [
    broadcasting(builder, "And", [condition, yes]),
    broadcasting(builder, "And", [otherwise, no]),
  ]);
}

/** An i64 modulo 2³². */
function lowWord(builder: Builder, x: Value): Value {
  return broadcasting(builder, "BitwiseAnd", [x, scalar("i64", 2 ** 32 - 1)]);
}

/** An i64 between 0 and 2³²-1 as a u32, which it is already, or as the i32 of the same bits. */
function fromWord(builder: Builder, word: Value, dtype: DType): Value {
  if (dtype !== "i32") return word;
  const negative = broadcasting(builder, "Less", [scalar("i64", 2 ** 31 - 1), word], "bool");
  const signed = choose(
    builder,
    negative,
    broadcasting(builder, "Sub", [word, scalar("i64", 2 ** 32)]),
    word,
  );
  return convert(builder, signed, "i32");
}

/** Product modulo 2³² of i64 words, through products that stay below 2⁴⁹. */
function multiplyWords(builder: Builder, [x, y]: readonly Value[]): Value {
  const half = scalar("i64", 2 ** 16);
  const below = (value: Value) => broadcasting(builder, "BitwiseAnd", [value, scalar("i64", 2 ** 16 - 1)]);
  const low = broadcasting(builder, "Mul", [x!, below(y!)]);
  const high = below(broadcasting(builder, "Mul", [x!, broadcasting(builder, "Div", [y!, half])]));
  return lowWord(builder, broadcasting(builder, "Add", [low, broadcasting(builder, "Mul", [high, half])]));
}

/** An i64 word moved by the last five bits of `by`; to the left it may leave 32 bits. */
function shift(builder: Builder, word: Value, by: Value, direction: "LEFT" | "RIGHT"): Value {
  const single = by.data?.length === 1 ? by.data[0]! & 31 : undefined;
  if (single !== undefined) {
    // Words are not negative, so that this is the quicker way of many.
    return broadcasting(builder, direction === "LEFT" ? "Mul" : "Div", [word, scalar("i64", 2 ** single)]);
  }
  const count = broadcasting(builder, "BitwiseAnd", [convert(builder, by, "i64"), scalar("i64", 31)]);
  const operands = [convert(builder, word, "u64"), convert(builder, count, "u64")];
  const shape = broadcastShapes(
    "shift",
    operands.map((operand) => operand.shape),
  );
  const shifted = operator(builder, "BitShift", operands, { type: "u64", shape }, { direction });
  return convert(builder, shifted, "i64");
}

function cast(builder: Builder, x: Value, from: DType, to: DType): Value {
  switch (to) {
    case "f32":
      return convert(builder, x, "f32");
    case "f16":
    case "bf16":
      // Rounded, and computed with as f32.
      return convert(builder, convert(builder, convert(builder, x, "f32"), to), "f32");
    case "bool":
      return convert(builder, x, "bool");
    case "i32":
      return from === "u32" ? fromWord(builder, x, "i32") : convert(builder, x, "i32");
    case "u32":
      return from === "bool" || from === "u32"
        ? convert(builder, x, "i64")
        : lowWord(builder, convert(builder, x, "i64"));
  }
}
