// A primitive several times beside itself: copies with parameters of their own on one input, a norm at the end of each, and
// their sum by learned weights (Lin et al. 2023, Multi-Path Transformer is Better, section 3). Knows no particular primitive.
// B batch, T length, D width, P paths.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { oneOf, parseStrict, show, wholeNumber } from "../strict.ts";
import { add, multiply } from "../tensor/ops/elementwise.ts";
import { reshape, slice } from "../tensor/ops/movement.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type NormName, norm, normNames } from "./norm.ts";
import type { Module, State, StateTypes } from "./primitive.ts";
import { pathsInPyTorch } from "./pytorch/paths.ts";
import type { Scope } from "./scope.ts";

export const pathsSchema = z.object({
  /** P, copies of every primitive. */
  count: wholeNumber(1, 256),
  /** At the end of each path. */
  norm: oneOf(normNames).default("layer"),
});

/** How many copies of every primitive stand beside each other, and the norm at the end of each. */
export interface Paths {
  /** P, copies of every primitive. */
  readonly count: number;
  /** At the end of each path. */
  readonly norm: NormName;
}

/** Setting `paths` as it was given: settings, or the number of paths. Errors: RequestError. */
export function readPaths(given: unknown = null): Paths | null {
  if (given === null) return null;
  const settings = typeof given === "number" ? { count: given } : given;
  if (typeof settings !== "object" || Array.isArray(settings)) {
    throw new RequestError(
      `architecture: paths is ${show(given)}; expected a number of paths, or settings such as {"count": 2, "norm": "layer"}`,
    );
  }
  return parseStrict("architecture: paths", pathsSchema, settings);
}

/** P copies of a module as one: path p has its parameters under `paths.p`, its norm under `pathNorm.p`. */
export function withPaths(module: Module, settings: Paths): Module {
  const { count, norm: normName } = settings;
  const paths = Array.from({ length: count }, (_, p) => `${p}`);
  const within = (scope: Scope, path: string) => scope.within("paths").within(path);
  /** outputs P · [..., D] → [..., D]. */
  const combine = (scope: Scope, outputs: readonly Tensor[]): Tensor => {
    // Outputs of norms have one variance, and so has their sum.
    const initializer = { kind: "constant", value: 1 / Math.sqrt(count) } as const;
    const weights = scope.parameter("pathWeights", { shape: [count], initializer, role: "scale" });
    return outputs
      .map((output, p) => {
        const normalized = norm(normName, scope.within("pathNorm").within(paths[p]!), output);
        return multiply(normalized, reshape(slice(weights, { 0: [p, p + 1] }), [1]));
      })
      .reduce((sum, part) => add(sum, part));
  };
  const states = (of: (path: string, p: number) => Readonly<Record<string, Tensor>>): State =>
    Object.fromEntries(
      paths.flatMap((path, p) =>
        Object.entries(of(path, p)).map(([name, tensor]) => [`${path}/${name}`, tensor]),
      ),
    );
  const { prefill, pytorch } = module;
  return {
    ...module,
    apply: (scope, x) =>
      combine(
        scope,
        paths.map((path) => module.apply(within(scope, path), x)),
      ),
    state(batch, capacity) {
      const types = Object.entries(module.state(batch, capacity));
      return Object.fromEntries(
        paths.flatMap((path) => types.map(([name, type]) => [`${path}/${name}`, type])),
      ) satisfies StateTypes;
    },
    step(scope, x, state, position) {
      const decoded = paths.map((path) => {
        const prefix = `${path}/`;
        const own = Object.entries(state).filter(([name]) => name.startsWith(prefix));
        const before = Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
        return module.step(within(scope, path), x, before, position);
      });
      return {
        y: combine(
          scope,
          decoded.map(({ y }) => y),
        ),
        state: states((_, p) => decoded[p]!.state),
      };
    },
    prefill:
      prefill &&
      ((scope, x, capacity) => {
        const decoded = paths.map((path) => prefill(within(scope, path), x, capacity));
        return {
          y: combine(
            scope,
            decoded.map(({ y }) => y),
          ),
          state: states((_, p) => decoded[p]!.state),
        };
      }),
    kept: (length) => count * module.kept(length),
    mad: (length) => count * module.mad(length),
    pytorch: pytorch && (() => pathsInPyTorch(pytorch(), settings)),
  };
}
