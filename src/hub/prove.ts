// Whether a grown public folder computes what it did, one place of the network at a time: the same activations go through the old
// and the new one, and no more than one of the two is in memory. Knows no layout.
// T length, D width, V vocabulary.
import type { Architecture } from "../architecture/schema.ts";
import { placesOf } from "../architecture/stripe.ts";
import type { Machine } from "../backend/machine.ts";
import { type AxisGrowth, OLD } from "../growth/axes.ts";
import { type GrowthPlace, placesIn } from "../growth/places.ts";
import type { GrowthPlan, Origins } from "../growth/plan.ts";
import type { Difference } from "../growth/proof.ts";
import { type FloatNumbers, growTensor } from "../growth/tensor.ts";
import { embedding, inputMap } from "../nn/embedding.ts";
import { norm } from "../nn/norm.ts";
import { inputSource } from "../nn/parameters.ts";
import { rootScope, type Scope } from "../nn/scope.ts";
import { linear, swapLast } from "../tensor/ops/contract.ts";
import { add } from "../tensor/ops/elementwise.ts";
import { input } from "../tensor/ops/leaf.ts";
import { threefry } from "../tensor/ops/random.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { type ModelTensor, type PublicModel, readParameters } from "./model.ts";
import { asBytes, storedArray, toFloats } from "./numbers.ts";

/** T of the proof. */
const PLACES = 16;
/** Numbers of a head that are in memory at a time. */
const HEAD_NUMBERS = 2 ** 24;

/** The place at which both differ most, of its largest number. */
export interface PlaceDifference extends Difference {
  readonly place: string;
}

/**
 * Compares, in float32, each place of two folders of which the second was grown by a plan.
 * @param inputs tokens, or numbers, of up to 16 places that go in; a number: random ones of that seed
 */
export function compareByPlace(
  machine: Machine,
  before: PublicModel,
  after: PublicModel,
  plan: GrowthPlan,
  origins: Origins,
  inputs: ArrayLike<number> | number,
): PlaceDifference {
  let worst: PlaceDifference = { place: "embedding", largest: 0, scale: 1 };
  const compare = (place: string, expected: Float32Array, found: Float32Array) => {
    const difference = differenceOf(expected, found);
    if (difference.largest * worst.scale > worst.largest * difference.scale) worst = { place, ...difference };
  };
  const width = widthAxis(plan);
  const widened = (x: Float32Array): Float32Array => {
    const rows = x.length / width.before;
    const all: AxisGrowth = {
      from: Int32Array.from({ length: rows }, (_, i) => i),
      kind: new Uint8Array(rows),
      before: rows,
    };
    const shape = [rows, width.from.length];
    return growTensor({ shape, axes: [all, width], scale: 1 }, x, []) as Float32Array;
  };
  const oldTensors = byParameter(before);
  const newTensors = byParameter(after);
  const given = typeof inputs === "number" ? randomInputs(before.architecture, inputs) : inputs;
  let x = embed(machine, before, oldTensors, given);
  compare("embedding", widened(x), embed(machine, after, newTensors, given));
  const old = placesIn(before.architecture);
  placesIn(after.architecture).forEach((place, i) => {
    const origin = origins[i] ?? null;
    const made = origin === null ? x : applyPlace(machine, before.architecture, old[origin]!, oldTensors, x);
    compare(
      place.prefix.slice(0, -1),
      widened(made),
      applyPlace(machine, after.architecture, place, newTensors, widened(x)),
    );
    x = made;
  });
  compareHeads(machine, before, after, { oldTensors, newTensors }, [x, widened(x)], compare);
  return worst;
}

function differenceOf(expected: Float32Array, found: Float32Array): Difference {
  let [largest, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(expected[i]! - found[i]!);
    // What is no number is no match.
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return { largest, scale };
}

/** How the residual stream grows: as what writes to it. */
function widthAxis({ parameters, to, from }: GrowthPlan): AxisGrowth {
  const written = parameters.find(({ name }) => name === "embedding.tokens" || name === "embedding.weight")!;
  const { kind, ...axis } = written.axes[1]!;
  return from.width === to.width ? { ...axis, kind: kind.map(() => OLD) } : { ...axis, kind };
}

type Tensors = ReadonlyMap<string, ModelTensor>;

function byParameter({ tensors }: PublicModel): Tensors {
  return new Map(tensors.flatMap((tensor) => tensor.parts.map((part) => [part, tensor] as const)));
}

/** Values of what a graph asks for, and of its inputs, then the graph: one number array. */
function evaluateOn(
  machine: Machine,
  tensors: Tensors,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  build: (scope: Scope, given: (name: string, shape: Shape, dtype?: "f32" | "i32") => Tensor) => Tensor,
  own: Readonly<Record<string, Float32Array>> = {},
): Float32Array {
  const source = inputSource();
  const store = machine.createStore();
  const result = build(rootScope({ source }), (name, shape, dtype = "f32") => {
    store.allocate(name, { shape, dtype });
    store.write(name, inputs[name]!);
    return input(name, shape, dtype);
  });
  for (const [name, { shape }] of source.declared) store.allocate(name, { shape, dtype: "f32" });
  const read = new Set<ModelTensor>();
  for (const name of source.declared.keys()) {
    const tensor = tensors.get(name)!;
    if (own[name] !== undefined) store.write(name, own[name]);
    else if (!read.has(tensor)) {
      read.add(tensor);
      // Into the store's own memory: parameters are large.
      readParameters(tensor, (part) => store.read(part) as FloatNumbers);
    }
  }
  const program = machine.load({ outputs: { result }, updates: {} });
  program.runSync(store);
  const found = Float32Array.from(store.read("result"), Number);
  program.dispose();
  for (const name of store.names()) store.release(name);
  return found;
}

/** Tokens, or numbers from -1 to 1. */
function randomInputs({ length, inputs, vocabulary }: Architecture, seed: number): number[] {
  const draw = (i: number) => threefry(seed >>> 0, 0x67726f77, i, 0)[0]! / 2 ** 32;
  const places = Math.min(PLACES, length);
  return inputs === null
    ? Array.from({ length: places }, (_, i) => Math.floor(draw(i) * vocabulary))
    : Array.from({ length: places * inputs }, (_, i) => 2 * draw(i) - 1);
}

/** Features [1, P, D] of up to 16 places; of a table only the rows that are asked for are read. */
function embed(
  machine: Machine,
  { architecture }: PublicModel,
  tensors: Tensors,
  given: ArrayLike<number>,
): Float32Array {
  const { width, standardDeviation, normEpsilon, classToken, inputs } = architecture;
  const length = Math.min(PLACES, given.length / (inputs ?? 1));
  const options = {
    ...{ vocabulary: length, width, standardDeviation, normEpsilon, classToken },
    ...{ embeddingWidth: null, tokenTypes: null, norm: "none" as const },
    positions: architecture.positions === "learned" ? placesOf(architecture) : undefined,
  };
  if (inputs !== null) {
    const numbers = Float32Array.from({ length: length * inputs }, (_, i) => given[i]!);
    return evaluateOn(machine, tensors, { numbers }, (scope, input) =>
      inputMap(scope.within("embedding"), input("numbers", [1, length, inputs]), options),
    );
  }
  const table = tensors.get("embedding.tokens")!;
  const rows = new Float32Array(length * width);
  for (let i = 0; i < length; i++) rows.set(readRows(table, given[i]!, 1), i * width);
  const places = Int32Array.from({ length }, (_, i) => i);
  return evaluateOn(
    machine,
    tensors,
    { tokens: places },
    (scope, input) =>
      embedding(scope.within("embedding"), input("tokens", [1, length], "i32"), options).features,
    { "embedding.tokens": rows },
  );
}

function readRows({ stored, columnCount }: ModelTensor, first: number, count: number): Float32Array {
  const numbers = storedArray(stored.dtype, count * columnCount);
  const bytes = asBytes(numbers);
  stored.read(first * (bytes.length / count), bytes);
  return toFloats(stored.dtype, numbers);
}

/** x + f(norm(x)), x [1, P, D]. */
function applyPlace(
  machine: Machine,
  architecture: Architecture,
  { prefix, module }: GrowthPlace,
  tensors: Tensors,
  x: Float32Array,
): Float32Array {
  const { width, norm: name, normEpsilon } = architecture;
  return evaluateOn(machine, tensors, { x }, (root, given) => {
    const scope = prefix
      .slice(0, -1)
      .split(".")
      .reduce((at, part) => at.within(part), root);
    const features = given("x", [1, x.length / width, width]);
    return add(features, module.apply(scope, norm(name, scope.within("norm"), features, normEpsilon)));
  });
}

/** Logits of the places that have some, as many at a time as memory allows. */
function compareHeads(
  machine: Machine,
  before: PublicModel,
  after: PublicModel,
  { oldTensors, newTensors }: { readonly oldTensors: Tensors; readonly newTensors: Tensors },
  [x, widened]: readonly [Float32Array, Float32Array],
  compare: (place: string, expected: Float32Array, found: Float32Array) => void,
): void {
  const { tie, vocabulary } = before.architecture;
  const [normal, grown] = [
    normalised(machine, before.architecture, oldTensors, x),
    normalised(machine, after.architecture, newTensors, widened),
  ];
  const name = tie ? "embedding.tokens" : "head.weight";
  const step = Math.max(1, Math.floor(HEAD_NUMBERS / after.architecture.width));
  for (let first = 0; first < vocabulary; first += step) {
    const count = Math.min(step, vocabulary - first);
    const logits = (model: PublicModel, tensors: Tensors, features: Float32Array) =>
      headRows(machine, model.architecture, tensors, features, readRows(tensors.get(name)!, first, count), [
        first,
        count,
      ]);
    compare("head", logits(before, oldTensors, normal), logits(after, newTensors, grown));
  }
}

function normalised(
  machine: Machine,
  architecture: Architecture,
  tensors: Tensors,
  x: Float32Array,
): Float32Array {
  const { width, norm: name, normEpsilon, pool } = architecture;
  const read = pool === null ? x : x.subarray(0, width);
  return evaluateOn(machine, tensors, { x: read }, (root, given) =>
    norm(name, root.within("norm"), given("x", [1, read.length / width, width]), normEpsilon),
  );
}

function headRows(
  machine: Machine,
  { width, headBias }: Architecture,
  tensors: Tensors,
  x: Float32Array,
  w: Float32Array,
  [first, count]: readonly [number, number],
): Float32Array {
  const bias = headBias
    ? readParameters(tensors.get("head.bias")!).get("head.bias")!
    : new Float32Array(first + count);
  const b = bias.subarray(first, first + count);
  return evaluateOn(machine, tensors, { x, w, b }, (_, given) =>
    add(
      linear(given("x", [1, x.length / width, width]), swapLast(given("w", [count, width]))),
      given("b", [count]),
    ),
  );
}

/** Numbers of a shape that both networks of a proof hold. */
export function parametersOf({ tensors }: PublicModel): number {
  return tensors.reduce((sum, { fileShape }) => sum + sizeOf(fileShape), 0);
}
