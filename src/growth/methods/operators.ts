// Parameters of a larger network as linear expressions of a smaller one's: every axis that grows through a matrix, every block
// a sum of all blocks (Wang et al. 2023, "LiGO", section 3). Knows no loss.
//
// The matrix of an axis is the same wherever that axis is: of the residual stream in the whole network, of heads and hidden
// features in their block. Maps that read an axis use the transpose of the matrix that writes it, each row divided by the number
// of copies that it begins with, so that operators begin as copies do (Chen et al. 2016, Net2Net). Unlike in the paper's table
// queries and keys share theirs.
import type { Architecture } from "../../architecture/schema.ts";
import { RequestError } from "../../errors.ts";
import { initialValues } from "../../nn/initialize.ts";
import { inputSource, type ParameterSource } from "../../nn/parameters.ts";
import { linear } from "../../tensor/ops/contract.ts";
import { add, multiply } from "../../tensor/ops/elementwise.ts";
import { input, literal } from "../../tensor/ops/leaf.ts";
import { reshape, slice, transpose } from "../../tensor/ops/movement.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { composeAxes, OLD, type SizesOf, sizeAt } from "../axes.ts";
import { sizedParameters } from "../importance.ts";
import type { Origins } from "../plan.ts";
import type { SizedParameter } from "../units.ts";
import { inTurn } from "./copies.ts";

/** The operators of a growth. */
export interface GrowthOperators {
  /** The larger network's parameters; inputs are the smaller one's, under their names, and the operators. */
  readonly source: ParameterSource;
  /** Operators by name. All that there are once the whole network has been asked for. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What an operator begins with. */
  initial(name: string): Float64Array;
}

/** Relative size of what tells copies apart at the start. */
const NOISE = 0.03;

/** Errors: RequestError for networks whose blocks are no sums of blocks. */
export function growthOperators(
  from: Architecture,
  to: Architecture,
  origins: Origins,
  seed: number,
): GrowthOperators {
  requireAlike(from, to);
  const [smaller, larger] = [from, to].map(
    (architecture) => new Map(sizedParameters(architecture).map((sized) => [sized.name, sized])),
  );
  const operators = inputSource();
  const firsts = new Map<string, () => Float64Array>();
  const operator = (name: string, shape: readonly number[], first: () => Float64Array): Tensor => {
    firsts.set(name, first);
    return operators.parameter(name, { shape, initializer: { kind: "constant", value: 0 }, role: "hidden" });
  };
  const known = new Map<string, Tensor>();
  const widened = (name: string, target: SizedParameter): Tensor => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const source = smaller!.get(name)!;
    let tensor = input(name, source.shape);
    const axes = target.parameter.axes.split(",").map((axis) => axis.trim());
    for (const [i, axis] of axes.entries()) {
      if (source.shape[i] === target.shape[i]) continue;
      const [before, after] = [source.sizes, target.sizes];
      const copies = copiesOf(axis, before, after);
      const key = axisKey(source.owner, axis, before, after);
      const matrix = operator(key, [source.shape[i]!, copies.length], () =>
        firstMatrix(key, copies, source.shape[i]!, seed),
      );
      const isRead = i === 0 && target.parameter.sums === true;
      tensor = alongAxis(tensor, i, isRead ? sharedOut(matrix, copies, source.shape[i]!) : matrix);
    }
    const scaled = scaleOf(target, source.sizes, target.sizes);
    const made = scaled === 1 ? tensor : multiply(tensor, scaled);
    known.set(name, made);
    return made;
  };
  const blocks = blockOrigins(from, to, origins);
  const parameter = (name: string): Tensor => {
    const target = larger!.get(name)!;
    const [, block, rest] = /^block\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (block === undefined) return widened(name, target);
    const parts = Array.from({ length: from.repeat }, (_, j) => `block.${j}.${rest}`);
    if (from.repeat === to.repeat) return widened(name, target);
    const weights = operator(`depth/${rest!.replace(/\.[^.]+$/, "")}`, [to.repeat, from.repeat], () =>
      Float64Array.from({ length: to.repeat * from.repeat }, (_, i) =>
        blocks[Math.floor(i / from.repeat)] === i % from.repeat ? 1 : 0,
      ),
    );
    const row = Number(block);
    return parts
      .map((part, j) => {
        const weight = reshape(slice(weights, { 0: [row, row + 1], 1: [j, j + 1] }), []);
        return multiply(weight, widened(part, target));
      })
      .reduce(add);
  };
  const asked = new Map<string, Tensor>();
  return {
    tensors: operators.tensors,
    initial: (name) => firsts.get(name)!(),
    source: {
      parameter(name) {
        const tensor = asked.get(name) ?? parameter(name);
        asked.set(name, tensor);
        return tensor;
      },
    },
  };
}

function requireAlike(from: Architecture, to: Architecture): void {
  const names = ({ first, stripe, last }: Architecture) =>
    [first, stripe, last].map((entries) => entries.map(({ primitive }) => primitive).join(", ")).join("; ");
  if (to.sources.length > 0) {
    throw new RequestError(
      "grow: ligo makes every parameter of those before, and this network has parameter sources; expected none",
    );
  }
  if (names(from) === names(to)) return;
  throw new RequestError(
    "grow: ligo makes every block of all blocks, so that all have to have the same sizes; grow all at once",
  );
}

/** For each block of the larger network the one it begins as: its own, or one from the first on, in turn. */
function blockOrigins({ first, stripe, repeat }: Architecture, to: Architecture, origins: Origins): number[] {
  let added = 0;
  return Array.from({ length: to.repeat }, (_, block) => {
    const origin = origins[first.length + block * stripe.length] ?? null;
    return origin === null ? added++ % repeat : (origin - first.length) / stripe.length;
  });
}

/** For each new place of an axis the old one that it begins as a copy of. Errors: RequestError for a smaller size. */
function copiesOf(axis: string, before: SizesOf, after: SizesOf): Int32Array {
  const [composed] = composeAxes(axis, (size) => {
    const [old, count] = [sizeAt(before, size), sizeAt(after, size)];
    if (count < old) throw new RequestError(`grow: ${size} ${old} cannot become ${count}; expected more`);
    return { from: inTurn(old, count), kind: new Uint8Array(count).fill(OLD), before: old };
  });
  return composed!.from;
}

/** Sizes that are one before and after say nothing; the residual stream is one in the whole network. */
function axisKey(owner: string, axis: string, before: SizesOf, after: SizesOf): string {
  const { same = [] } = after;
  const names = axis
    .split(/\s+/)
    .map((size) => same.find((all) => all.includes(size))?.[0] ?? size)
    .filter((size) => size === "+" || sizeAt(before, size) !== 1 || sizeAt(after, size) !== 1);
  const name = names.join(" ");
  return `width/${name === "width" ? "" : owner}${name}`;
}

/** [old, new]: copies, all but the first of each with noise. */
function firstMatrix(key: string, copies: Int32Array, old: number, seed: number): Float64Array {
  const shape = [old, copies.length];
  const initializer = { kind: "normal", standardDeviation: NOISE / Math.sqrt(old) } as const;
  const matrix = Float64Array.from(initialValues(key, { shape, initializer, role: "hidden" }, seed));
  const seen = new Set<number>();
  copies.forEach((place, i) => {
    if (!seen.has(place)) for (let row = 0; row < old; row++) matrix[row * copies.length + i] = 0;
    seen.add(place);
    matrix[place * copies.length + i]! += 1;
  });
  return matrix;
}

function sharedOut(matrix: Tensor, copies: Int32Array, old: number): Tensor {
  const counts = new Float64Array(old);
  for (const place of copies) counts[place]!++;
  return multiply(
    matrix,
    literal(
      counts.map((count) => 1 / count),
      [old, 1],
    ),
  );
}

/** x [..., n, ...] along one axis · matrix [n, m] → [..., m, ...]. */
function alongAxis(x: Tensor, axis: number, matrix: Tensor): Tensor {
  const last = x.shape.length - 1;
  const order = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
  return transpose(linear(transpose(x, order), matrix), order);
}

/** Keys whose features are copied have larger products. */
function scaleOf({ parameter }: SizedParameter, before: SizesOf, after: SizesOf): number {
  return Object.entries(parameter.scale ?? {})
    .filter(([size]) => size !== "width")
    .reduce((product, [size, power]) => product * (sizeAt(before, size) / sizeAt(after, size)) ** power, 1);
}
