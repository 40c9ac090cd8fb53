// A trained network made into one whose blocks share their parameters, with low-rank additions that bring each block back near
// what it was (Bae et al. 2024, Relaxed Recursive Transformers, sections 2.2 and 2.3).
import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { RequestError } from "../errors.ts";
import type { ParameterDeclaration } from "../nn/parameters.ts";
import { loraNames } from "../nn/sources/lora.ts";
import { isBlockMatrix, matrixShape } from "../nn/sources/source.ts";
import { input } from "../tensor/ops/leaf.ts";
import type { NdArray } from "../tensor/tensor.ts";
import { plainParameters, sourceSurroundings } from "./forward.ts";
import type { RelaxedSelection } from "./relaxedSelections.ts";
import type { Architecture } from "./schema.ts";
import { sourceModules } from "./sources.ts";
import { type ParameterValues, valuesOf } from "./values.ts";

/** Parameters of a shared network, and how far it is from what it was made of. */
export interface RelaxedNetwork {
  readonly values: ParameterValues;
  /** Of what the matrices of blocks differ from shared ones by: the share of the sum of squares that no addition makes up for. */
  readonly missing: number;
}

/**
 * Parameters of `architecture`, which shares blocks and adds low-rank matrices (sources `share` and `lora`), from those of the
 * same architecture without sources, in float64. At full rank every matrix is what it was; biases, and norms where they are
 * shared too, are those of the selection.
 * Errors: RequestError for other sources, or parameters that are absent or misshapen.
 */
export function relaxNetwork(
  architecture: Architecture,
  trained: ParameterValues,
  selection: RelaxedSelection = "stepwise",
): RelaxedNetwork {
  const { share, rank } = requireSources(architecture);
  const plain = plainParameters(architecture);
  const storedName = storedNames(share, architecture, plain);
  const members = new Map<string, string[]>();
  for (const name of plain.keys()) {
    const stored = storedName(name);
    members.set(stored, [...(members.get(stored) ?? []), name]);
  }
  const values: Record<string, NdArray> = {};
  for (const [stored, names] of members) {
    const { shape } = plain.get(stored)!;
    const chosen = chosenNames(stored, names, members, architecture.repeat, selection);
    const tensors = chosen.map((name) => valuesOf("relax", trained, name, shape).data);
    values[stored] = { shape, data: meanOf(tensors) };
  }
  let [all, left] = [0, 0];
  for (const [name, declaration] of plain) {
    if (!isBlockMatrix(name, declaration)) continue;
    const base = values[storedName(name)]!.data;
    const own = valuesOf("relax", trained, name, declaration.shape).data;
    const difference = Float64Array.from(own, (value, i) => value - base[i]!);
    const factors = truncated(difference, declaration, rank);
    const names = loraNames(name);
    values[names.left] = factors.left;
    values[names.right] = factors.right;
    all += factors.squares;
    left += factors.missing;
  }
  return { values, missing: all === 0 ? 0 : left / all };
}

function requireSources({ sources }: Architecture) {
  const modules = sourceModules(sources);
  const [share, lora] = ["share", "lora"].map((wanted) => modules.find(({ name }) => name === wanted));
  if (share === undefined || lora === undefined || modules.length !== 2) {
    const given = modules.map(({ name }) => name).join(", ");
    throw new RequestError(
      `relax: the architecture's sources are ${given === "" ? "none" : given}; expected share and lora, and no other`,
    );
  }
  return { share, rank: lora.configuration.rank as number };
}

/** For the name of a plain parameter the one it is stored under. */
function storedNames(
  share: ReturnType<typeof requireSources>["share"],
  architecture: Architecture,
  plain: ReadonlyMap<string, ParameterDeclaration>,
): (name: string) => string {
  let asked = "";
  const recorder = {
    parameter(name: string, { shape }: ParameterDeclaration) {
      asked = name;
      return input(name, shape);
    },
  };
  const source = share.wrap(sourceSurroundings(architecture), recorder, recorder);
  return (name) => {
    source.parameter(name, plain.get(name)!);
    return asked;
  };
}

/** The plain parameters whose mean a stored one begins with. */
function chosenNames(
  stored: string,
  names: readonly string[],
  members: ReadonlyMap<string, readonly string[]>,
  repeat: number,
  selection: RelaxedSelection,
): readonly string[] {
  if (names.length === 1 || selection === "average") return names;
  const inBlocks = /^block\.\d+\./;
  const rest = stored.replace(inBlocks, "");
  const shared = [...members.keys()].filter(
    (name) => inBlocks.test(name) && name.replace(inBlocks, "") === rest,
  );
  const k = shared.indexOf(stored);
  const stride = shared.length === 1 ? 0 : (repeat - 1) / (shared.length - 1);
  const block = selection === "lower" ? k : Math.round(k * stride);
  return [`block.${block}.${rest}`];
}

function meanOf(tensors: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(
    tensors[0]!,
    (_, i) => tensors.reduce((sum, data) => sum + data[i]!, 0) / tensors.length,
  );
}

/** A matrix as the product of factors of a rank that comes nearest to it, and the squares of it and of what is missing. */
function truncated(data: Float64Array, declaration: ParameterDeclaration, asked: number) {
  const [rows, columns] = matrixShape(declaration);
  const rank = Math.min(asked, rows, columns);
  const matrix = Matrix.from1DArray(rows, columns, data);
  const svd = new SingularValueDecomposition(matrix, { autoTranspose: true });
  const [u, v, sigma] = [svd.leftSingularVectors, svd.rightSingularVectors, svd.diagonal];
  const left = Float64Array.from({ length: rows * rank }, (_, i) => {
    const k = i % rank;
    return u.get((i - k) / rank, k) * sigma[k]!;
  });
  const right = Float64Array.from({ length: rank * columns }, (_, i) =>
    v.get(i % columns, Math.floor(i / columns)),
  );
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  return {
    left: { shape: [rows, rank], data: left },
    right: { shape: [rank, columns], data: right },
    squares: squares(sigma),
    missing: squares(sigma.slice(rank)),
  };
}
