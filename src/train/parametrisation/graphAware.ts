// First values and a learning rate that go by the architecture's graph (Chen et al. 2024, "Principled Architecture-aware Scaling
// of Hyperparameters", sections 3.1 and 3.2): a matrix's variance by the edges that meet behind it, the rate by the lengths of
// all paths from input to output. Derived there for ReLU networks without norms. Knows no particular primitive.
import type { Architecture } from "../../architecture/schema.ts";
import { blocksOf } from "../../architecture/stripe.ts";
import { RequestError } from "../../errors.ts";
import { inputSource, type ParameterDeclaration } from "../../nn/parameters.ts";
import type { Module } from "../../nn/primitive.ts";
import { rootScope } from "../../nn/scope.ts";
import { input } from "../../tensor/ops/leaf.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** What is known of a module from its graph. */
interface ModuleGraph {
  /** Most matrices of its own on a path from its input to its output. */
  readonly depth: number;
  /** Names of the matrices behind which no other stands. */
  readonly last: ReadonlySet<string>;
}

/** What the rate is multiplied by in this architecture, where it was found on one of `baseDepth` repetitions. */
export function graphAwareRate(architecture: Architecture, baseDepth: number): number {
  return Math.sqrt(pathSum({ ...architecture, repeat: baseDepth }) / pathSum(architecture));
}

/** Standard deviation at the start by name; undefined: as the parameter declares. */
export function graphAwareDeviations(
  architecture: Architecture,
): (name: string, declaration: ParameterDeclaration) => number | undefined {
  if (architecture.sources.length > 0) {
    throw new RequestError("parametrisation chen: the architecture has parameter sources; expected none");
  }
  const last = new Set(
    blocksOf(architecture).flatMap(({ path, places }) =>
      places.flatMap(({ name, module }) =>
        [...graphOf(module, architecture).last].map((rest) => `${path}.${name}.${rest}`),
      ),
    ),
  );
  const edgesAt = new Map(
    blocksOf(architecture).map(({ path, places }) => [path, edges(architecture, places.length)]),
  );
  return (name, { role, shape, initializer }) => {
    if (initializer.kind !== "normal" || shape.length < 2) return undefined;
    // A token's row of a table is the sum of one term.
    const inputs = role === "embedding" ? 1 : shape.at(-2)!;
    const meeting = last.has(name) ? edgesAt.get(/^(?:block\.\d+|first|last)/.exec(name)![0])! : 1;
    return role === "positions" ? undefined : Math.sqrt(2 / (meeting * inputs));
  };
}

/** Edges into the sum behind a module. */
function edges({ block }: Architecture, places: number): number {
  return block === "none" ? 1 : block === "parallel" ? places + 1 : 2;
}

/** Sums over paths of 1, L, L² and L³, L the matrices on a path. */
type Moments = readonly [number, number, number, number];

/** Σ L³ over all paths from input to output; embedding and head are a matrix each. */
export function pathSum(architecture: Architecture): number {
  let paths: Moments = [1, 1, 1, 1];
  for (const { places } of blocksOf(architecture)) {
    const entered = paths;
    for (const { module } of places) {
      const { depth } = graphOf(module, architecture);
      switch (architecture.block) {
        case "none":
          paths = longer(paths, depth);
          break;
        case "pre":
        case "post":
          paths = both(paths, longer(paths, depth));
          break;
        case "parallel":
          paths = both(paths, longer(entered, depth));
          break;
      }
    }
  }
  return longer(paths, 1)[3];
}

function longer([count, first, second, third]: Moments, by: number): Moments {
  return [
    count,
    first + by * count,
    second + 2 * by * first + by ** 2 * count,
    third + 3 * by * second + 3 * by ** 2 * first + by ** 3 * count,
  ];
}

function both(a: Moments, b: Moments): Moments {
  return a.map((value, i) => value + b[i]!) as unknown as Moments;
}

/** What lies in front of a tensor. */
interface Reach {
  /** Most matrices between the module's input and it; -1 where it does not see the input. */
  readonly depth: number;
  /** Matrices in front of it with no other between. */
  readonly names: readonly string[];
}

function graphOf(module: Module, { width, length }: Architecture): ModuleGraph {
  const source = inputSource();
  const x = input("x", [1, Math.min(length, 8), width]);
  const output = module.apply(rootScope({ source }), x);
  const matrices = new Map(
    [...source.tensors].flatMap(([name, tensor]) =>
      source.declared.get(name)!.role === "hidden" ? [[tensor.node.id, name] as const] : [],
    ),
  );
  const found = new Map<number, Reach>();
  const visit = ({ node }: Tensor): Reach => {
    const known = found.get(node.id);
    if (known !== undefined) return known;
    const below = node.inputs.map(visit);
    const apart = below.filter(({ depth }) => depth < 0);
    const isProduct = node.op.lowering === "contract" && apart.some(({ names }) => names.length > 0);
    const depth = Math.max(-1, ...below.map((one) => one.depth));
    const matrix = matrices.get(node.id);
    const names = (depth < 0 || isProduct ? apart : below).flatMap((one) => one.names);
    const own: Reach = {
      depth: node.id === x.node.id ? 0 : depth >= 0 && isProduct ? depth + 1 : depth,
      names: matrix === undefined ? [...new Set(names)] : [matrix],
    };
    found.set(node.id, own);
    return own;
  };
  const { depth, names } = visit(output);
  return { depth: Math.max(0, depth), last: new Set(names) };
}
