// Whether two networks compute the same: logits of both on the same tokens, side by side. Knows no growth.
import { forward, inputType } from "../architecture/forward.ts";
import type { Architecture } from "../architecture/schema.ts";
import type { Machine } from "../backend/machine.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { threefry } from "../tensor/ops/random.ts";
import { sizeOf } from "../tensor/tensor.ts";
import type { NamedTensors } from "./grow.ts";

/** A network with its numbers. */
export interface Network {
  readonly architecture: Architecture;
  readonly values: NamedTensors;
}

/** How far two networks are from each other. */
export interface Difference {
  /** Largest |Δ logit|. */
  readonly largest: number;
  /** Largest |logit| of the first. */
  readonly scale: number;
}

/**
 * On `batch` sequences of `length` random tokens (default: 2 of as many as there may be, up to 64), or on `inputs`, so many of
 * them. The machine says in which precision.
 */
export function compareNetworks(
  machine: Machine,
  before: Network,
  after: Network,
  options: {
    readonly seed: number;
    readonly batch?: number;
    readonly length?: number;
    readonly inputs?: ArrayLike<number> | undefined;
  },
): Difference {
  const { seed, batch = 2, length = Math.min(64, before.architecture.length) } = options;
  const tokens = options.inputs ?? randomInputs(before.architecture, batch, length, seed);
  const [first, second] = [before, after].map((network) => logitsOf(machine, network, tokens, batch, length));
  let [largest, scale] = [0, 0];
  for (let i = 0; i < first!.length; i++) {
    const difference = Math.abs(first![i]! - second![i]!);
    // What is no number is no match.
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
    scale = Math.max(scale, Math.abs(first![i]!));
  }
  return { largest, scale };
}

function logitsOf(
  machine: Machine,
  { architecture, values }: Network,
  tokens: ArrayLike<number>,
  batch: number,
  length: number,
): ArrayLike<number> {
  const source = inputSource();
  const { shape, dtype } = inputType(architecture, batch, length);
  const logits = forward(architecture, source, input("tokens", shape, dtype));
  const store = machine.createStore();
  store.allocate("tokens", { shape, dtype });
  store.write("tokens", tokens);
  for (const [name, { shape }] of source.declared) {
    store.allocate(name, { shape, dtype: "f32" });
    store.write(name, values[name]!.data);
  }
  const program = machine.load({ outputs: { logits }, updates: {} });
  program.runSync(store);
  const found = Float64Array.from(store.read("logits"), Number);
  program.dispose();
  for (const name of store.names()) store.release(name);
  return found;
}

/** Token ids, or numbers from -1 to 1. */
function randomInputs(architecture: Architecture, batch: number, length: number, seed: number): Float64Array {
  const { shape } = inputType(architecture, batch, length);
  return Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
    const drawn = threefry(seed >>> 0, 0x67726f77, i, 0)[0]! / 2 ** 32;
    return architecture.inputs === null ? Math.floor(drawn * architecture.vocabulary) : 2 * drawn - 1;
  });
}
