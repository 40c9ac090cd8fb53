// What an architecture costs, read off its graph: parameters by module, floating-point operations, state, memory. Nothing
// but the conventions of papers is counted by a formula, and nothing is allocated.
import { RequestError } from "../errors.ts";
import {
  type InputSource,
  inputSource,
  type ParameterDeclaration,
  type Parameters,
} from "../nn/parameters.ts";
import { crossEntropy } from "../tensor/composites/loss.ts";
import { gradients } from "../tensor/gradient.ts";
import { input } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { type Node, sizeOf, type Tensor, topologicalOrder } from "../tensor/tensor.ts";
import { attentionPlaces, chinchillaFlops, kaplanFlops } from "./conventions.ts";
import { forward, inputType, outputPlaces } from "./forward.ts";
import type { Architecture } from "./schema.ts";
import { blocksOf } from "./stripe.ts";

/** Values and state are f32. */
const BYTES = 4;

/** What an architecture costs; per token and per sequence at the length that was asked for. */
export interface Count {
  readonly parameters: {
    readonly total: number;
    /** Without token and position embeddings; a tied head counts as the embedding it is. */
    readonly nonEmbedding: number;
    readonly embedding: number;
    /** Of those a token uses: of experts the ones it meets. */
    readonly active: number;
    /** All but biases: matrices, tables, scales of norms. */
    readonly weights: number;
    readonly biases: number;
    /** By module: `embedding`, `block.0.attention`, …, `norm`, `head`. */
    readonly byModule: Readonly<Record<string, number>>;
  };
  /** Per token, by the algorithms that run; a multiply and an add are two. */
  readonly flopsPerToken: {
    readonly forward: number;
    /** Forward, loss and backward; the optimiser, which does not grow with tokens, is left out. */
    readonly training: number;
    /** 6 · all parameters (Hoffmann et al. 2022, section 3). */
    readonly sixN: number;
    /** 6 · matrices of the blocks + 6 · length · attention width, summed over layers (Kaplan et al. 2020, table 1). */
    readonly kaplan: number;
    /** Hoffmann et al. 2022, appendix F, without embedding and logits, as its table A4 has it. */
    readonly chinchilla: number;
  };
  /** Numbers that decoding carries for one sequence. */
  readonly stateElements: {
    /** All that is held, at this length. */
    readonly kept: number;
    /** By the convention of the MAD paper. */
    readonly mad: number;
    readonly byLayer: readonly { readonly layer: string; readonly kept: number; readonly mad: number }[];
  };
  /** Values of the forward pass of one sequence that the backward pass reads, where none is computed again. */
  readonly activationBytes: number;
  /** State of one sequence that grows with its length. */
  readonly kvCacheBytes: number;
}

/**
 * Counts from the graph of one sequence of `length` tokens, default the architecture's own.
 * Errors: RequestError for a length beyond a learned table of positions.
 */
export function count(architecture: Architecture, length: number = architecture.length): Count {
  const counted = withLength(architecture, length);
  const parameters = countedParameters(counted);
  const costs = repeated(counted, costsOf(length));
  const { stateElements, kvCacheBytes } = countState(counted, length);
  return {
    parameters,
    flopsPerToken: {
      forward: costs.forward / length,
      training: costs.training / length,
      sixN: 6 * parameters.total,
      kaplan: costs.kaplan,
      chinchilla: costs.chinchilla,
    },
    stateElements,
    activationBytes: costs.activationBytes,
    kvCacheBytes,
  };
}

/**
 * Weights in the matrices of the blocks: N of Kaplan et al. 2020. Of matrices that sources make those that tokens are
 * multiplied with are counted, wherever their numbers are stored.
 */
export function countedMatrices(architecture: Architecture): number {
  const at = (repeat: number) => blockMatrices({ ...architecture, repeat }, 1);
  const one = at(1);
  return architecture.repeat === 1 ? one : one + (architecture.repeat - 1) * (at(2) - one);
}

/** Parameters alone, which is much faster. */
export function countedParameters(architecture: Architecture): Count["parameters"] {
  // What blocks have in common is found by looking at all of them.
  if (architecture.sources.length > 0) return countParameters(parametersOf(architecture));
  return countParameters(parametersOf({ ...architecture, repeat: 1 }), architecture.repeat);
}

/** State alone, which needs no graph. Errors: as `count`. */
export function countedState(architecture: Architecture, length: number): Count["stateElements"] {
  return countState(withLength(architecture, length), length).stateElements;
}

/** The architecture for sequences of `length` tokens. */
function withLength(architecture: Architecture, length: number): Architecture {
  if (length <= architecture.length) return architecture;
  if (architecture.positions === "learned") {
    throw new RequestError(
      `length ${length} is beyond the ${architecture.length} positions the architecture learns; expected at most ` +
        `${architecture.length}, or other positions`,
    );
  }
  return { ...architecture, length };
}

function inputOf(architecture: Architecture, length: number): Tensor {
  const { shape, dtype } = inputType(architecture, 1, length);
  return input("tokens", shape, dtype);
}

function parametersOf(architecture: Architecture): Parameters {
  const source = inputSource();
  forward(architecture, source, inputOf(architecture, 1));
  return source.declared;
}

/** Costs of a graph; each grows by the same amount with every repetition of the stripe. */
export type Costs = Readonly<
  Record<"forward" | "training" | "kaplan" | "chinchilla" | "activationBytes", number>
>;

function costsOf(length: number): (architecture: Architecture) => Costs {
  return (architecture) => {
    const source = inputSource();
    const tokens = inputOf(architecture, length);
    const logits = forward(architecture, source, tokens);
    const places = outputPlaces(architecture, length);
    const rows = reshape(logits, [places, architecture.vocabulary]);
    const { loss } = crossEntropy(rows, input("targets", [places], "i32"));
    const backward = gradients(loss, [...source.tensors.values()]);
    const order = topologicalOrder([logits]);
    const attending = attentionPlaces(order);
    const isPlain = architecture.sources.length === 0;
    const matrices = isPlain ? matricesIn(source, tokens, order) : blockMatrices(architecture, length);
    return {
      forward: flopsOf(order),
      training: graphFlops([loss, ...backward]),
      kaplan: kaplanFlops(matrices, attending),
      chinchilla: chinchillaFlops(matrices, attending),
      activationBytes: BYTES * keptActivations(loss, backward),
    };
  };
}

/** Graphs of two and of three repetitions say what one more adds. */
function repeated(architecture: Architecture, costs: (architecture: Architecture) => Costs): Costs {
  const { repeat } = architecture;
  if (repeat <= 3 || architecture.sources.length > 0) return costs(architecture);
  const two = costs({ ...architecture, repeat: 2 });
  const three = costs({ ...architecture, repeat: 3 });
  const extended = (Object.keys(two) as (keyof Costs)[]).map((key) => [
    key,
    three[key] + (repeat - 3) * (three[key] - two[key]),
  ]);
  return Object.fromEntries(extended) as Costs;
}

/** Numbers in the matrices of the blocks that meet a token, as they are without sources. */
function blockMatrices(architecture: Architecture, length: number): number {
  const source = inputSource();
  const tokens = inputOf(architecture, length);
  const logits = forward({ ...architecture, sources: [] }, source, tokens);
  return matricesIn(source, tokens, topologicalOrder([logits]));
}

/** The same in a graph; what only positions are mapped by is left out. @param order its nodes */
function matricesIn(source: InputSource, tokens: Tensor, order: readonly Node[]): number {
  const ofTokens = new Set<Node>([tokens.node]);
  const meets = new Map<Node, boolean>();
  for (const node of order) {
    if (node.inputs.some(({ node: read }) => ofTokens.has(read))) ofTokens.add(node);
    if (node.op.lowering === "view") continue;
    const isElsewhere = node.op.lowering === "contract" && !ofTokens.has(node);
    for (const read of node.inputs) {
      const { node: seen } = seenThrough(read);
      meets.set(seen, (meets.get(seen) ?? false) || !isElsewhere);
    }
  }
  let total = 0;
  for (const [name, declaration] of source.declared) {
    const isBlock = declaration.role === "hidden" && !/^(?:embedding|representation|decoder)\./.test(name);
    if (isBlock && meets.get(source.tensors.get(name)!.node)) total += activeSize(declaration);
  }
  return total;
}

/** Floating-point operations of everything that `results` need. */
export function graphFlops(results: readonly Tensor[]): number {
  return flopsOf(topologicalOrder(results));
}

function flopsOf(nodes: readonly Node[]): number {
  return nodes.reduce((total, node) => total + node.op.flops(node), 0);
}

/** Numbers that the forward pass computes and the rest of the graph of `backward` reads; a view is what it looks at. */
function keptActivations(loss: Tensor, backward: readonly Tensor[]): number {
  const forwardNodes = new Set(topologicalOrder([loss]));
  const kept = new Set<Tensor>();
  for (const node of topologicalOrder(backward)) {
    if (forwardNodes.has(node)) continue;
    for (const read of node.inputs) {
      const seen = seenThrough(read);
      if (forwardNodes.has(seen.node) && isComputed(seen.node)) kept.add(seen);
    }
  }
  return [...kept].reduce((total, { shape }) => total + sizeOf(shape), 0);
}

function seenThrough(tensor: Tensor): Tensor {
  let at = tensor;
  while (at.node.op.lowering === "view") at = at.node.inputs[0]!;
  return at;
}

function isComputed({ op }: Node): boolean {
  return op.lowering !== "leaf" && op.lowering !== "fill" && op.lowering !== "iota";
}

/** How many of a parameter's numbers one token uses. */
function activeSize({ shape, activeShare = 1 }: Pick<ParameterDeclaration, "shape" | "activeShare">): number {
  return Math.round(sizeOf(shape) * activeShare);
}

/** Parameters by module, with those of the first repetition of the stripe standing for all. */
export function countParameters(parameters: Parameters, repeat = 1): Count["parameters"] {
  const byModule: Record<string, number> = {};
  let [total, active, embedding, biases] = [0, 0, 0, 0];
  for (const [name, declaration] of parameters) {
    const { shape, role } = declaration;
    const [head, ...parts] = name.split(".") as [string, ...string[]];
    const times = head === "block" ? repeat : 1;
    const depth = head === "block" ? 2 : head === "first" || head === "last" ? 1 : 0;
    const module = [head, ...parts.slice(0, depth)].join(".");
    const size = sizeOf(shape);
    byModule[module] = (byModule[module] ?? 0) + size;
    total += times * size;
    active += times * activeSize(declaration);
    if (role === "embedding" || role === "positions") embedding += times * size;
    if (role === "bias") biases += times * size;
  }
  return {
    total,
    nonEmbedding: total - embedding,
    embedding,
    active,
    weights: total - biases,
    biases,
    byModule: repeat === 1 ? byModule : everyRepetition(byModule, repeat),
  };
}

function everyRepetition(once: Readonly<Record<string, number>>, repeat: number): Record<string, number> {
  const entries = Object.entries(once);
  const isRepeated = ([name]: [string, number]) => name.startsWith("block.0.");
  const stripe = entries.filter(isRepeated);
  const start = entries.findIndex(isRepeated);
  const repetitions = Array.from({ length: repeat }, (_, i) =>
    stripe.map(([name, size]): [string, number] => [name.replace("block.0.", `block.${i}.`), size]),
  );
  const others = entries.filter((entry) => !isRepeated(entry));
  if (start < 0) return once;
  return Object.fromEntries([...others.slice(0, start), ...repetitions.flat(), ...others.slice(start)]);
}

function countState(architecture: Architecture, length: number) {
  let kvCacheBytes = 0;
  const layers = blocksOf(architecture).flatMap(({ path, places }) =>
    places.flatMap(({ name, module }) => {
      const state = module.state(1, length);
      const one = module.state(1, 1);
      for (const [key, { shape }] of Object.entries(state)) {
        if (length > 1 && sizeOf(shape) > sizeOf(one[key]!.shape)) kvCacheBytes += BYTES * sizeOf(shape);
      }
      if (Object.keys(state).length === 0) return [];
      return [{ layer: `${path}.${name}`, kept: module.kept(length), mad: module.mad(length) }];
    }),
  );
  const sum = (of: "kept" | "mad") => layers.reduce((total, layer) => total + layer[of], 0);
  return { stateElements: { kept: sum("kept"), mad: sum("mad"), byLayer: layers }, kvCacheBytes };
}
