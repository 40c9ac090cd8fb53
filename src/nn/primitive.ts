// What a primitive is: a named map from [B, T, D] to [B, T, D] with settings of its own, on whole sequences and token by
// token. Knows no particular one. B batch, T length, D width.
import { z } from "zod";
import { RequestError } from "../errors.ts";
import { parseStrict, show } from "../strict.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { sameShape, sizeOf, type Tensor, type TensorType } from "../tensor/tensor.ts";
import type { Growth, GrowthDefinition } from "./growth.ts";
import type { PyTorchForm } from "./pytorch/form.ts";
import type { Scope } from "./scope.ts";

/** The model a primitive stands in. */
export interface Surroundings {
  /** D, features of its input and output. */
  readonly width: number;
  /** Standard deviation of matrices at the start. */
  readonly standardDeviation: number;
  /** T, the longest sequence, where it is known. */
  readonly length?: number;
}

/** A tensor that decoding carries from token to token; every element is `initial` before the first one. */
export interface StateType extends TensorType {
  readonly dtype: "f32" | "i32" | "u32";
  readonly initial: number;
}

/** Everything that decoding carries for one module, by name. */
export type StateTypes = Readonly<Record<string, StateType>>;

/** The tensors of those names. */
export type State = Readonly<Record<string, Tensor>>;

/** Features after one token [B, D] or several [B, T, D], and the state after the last of them. */
export interface Decoded {
  readonly y: Tensor;
  readonly state: State;
}

/**
 * What steps of decoding are beside `apply`: `exactly` the same; `differently` where training limits what a whole sequence
 * may use and a single token is under no limit; `never` where the module cannot go token by token.
 */
export type Decodes = "exactly" | "differently" | "never";

/** A primitive with its settings, ready to be applied anywhere. */
export interface Module {
  readonly name: string;
  /** All settings, defaults filled in. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Whether no output sees a later input. */
  readonly causal: boolean;
  readonly decodes: Decodes;
  /** x [B, T, D] → [B, T, D]; the residual path is the caller's. */
  apply(scope: Scope, x: Tensor): Tensor;
  /** What decoding carries for B sequences of at most `capacity` tokens, by name. */
  state(batch: number, capacity: number): StateTypes;
  /**
   * The next token of each sequence: x [B, D] at `position` (i32 [], the first is 0), with the state after the tokens
   * before it. Where the module decodes exactly, y is what `apply` on the whole sequence gives at that position.
   */
  step(scope: Scope, x: Tensor, state: State, position: Tensor): Decoded;
  /** As many steps as there are tokens [B, T, D] at once, and the state they leave; undefined: steps are the only way to it. */
  readonly prefill: ((scope: Scope, x: Tensor, capacity: number) => Decoded) | undefined;
  /** Numbers that decoding holds of one sequence of `length` tokens. */
  kept(length: number): number;
  /** The same by the convention of the MAD paper (Poli et al. 2024): without convolution tails and last tokens. */
  mad(length: number): number;
  /** How its parameters grow; undefined: it cannot grow. */
  readonly growth: Growth | undefined;
  /** What it looks like in PyTorch; undefined: nobody has said. */
  readonly pytorch: (() => PyTorchForm) | undefined;
}

/** Shared code sees no more of a primitive than this. */
export interface Primitive {
  readonly name: string;
  /** Names of its settings. */
  readonly keys: readonly string[];
  /** What its settings may be. */
  readonly schema: z.ZodObject;
  /** Errors: RequestError for unknown or impossible settings, `what` naming where they stand. */
  configure(what: string, values: unknown, surroundings: Surroundings): Module;
  /** How it grows from one configuration to another; undefined: it cannot grow. */
  readonly growing: Growing | undefined;
}

/** A configuration in its surroundings. */
export interface Placed {
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly surroundings: Surroundings;
}

/** What shared code asks of a primitive that grows. */
export interface Growing {
  /** Settings that may change, besides the model's width. */
  readonly settings: readonly string[];
  /** `before` with `changes`, and with what has to follow them. */
  follow(
    before: Placed,
    changes: Readonly<Record<string, unknown>>,
    surroundings: Surroundings,
  ): Readonly<Record<string, unknown>>;
  /** Why `after` cannot compute what `before` does; undefined: it can, as far as its sizes can. */
  refuse(before: Placed, after: Placed): string | undefined;
}

/** How a primitive continues sequences; see `Module` for what its functions do. */
export interface Decoding<Settings> {
  /** Absent: what is held. */
  mad?(settings: Settings, surroundings: Surroundings, length: number): number;
  /** What is carried for `batch` sequences of at most `capacity` tokens. */
  state(settings: Settings, surroundings: Surroundings, batch: number, capacity: number): StateTypes;
  /** The next token, x [B, D] at `position` (i32 []), and the state after it. */
  step(
    settings: Settings,
    surroundings: Surroundings,
    scope: Scope,
    x: Tensor,
    state: State,
    position: Tensor,
  ): Decoded;
  /** The first T tokens at once, x [B, T, D]; absent: steps are taken. */
  prefill?(
    settings: Settings,
    surroundings: Surroundings,
    scope: Scope,
    x: Tensor,
    capacity: number,
  ): Decoded;
}

/** What a primitive's file says of it. */
export interface PrimitiveDefinition<Shape extends z.ZodRawShape> {
  readonly name: string;
  /** Settings with their defaults. */
  readonly settings: Shape;
  /** Completes the settings from the surroundings; throws a RequestError, begun by `what`, where they cannot work. */
  resolve(
    settings: z.infer<z.ZodObject<Shape>>,
    surroundings: Surroundings,
    what: string,
  ): z.infer<z.ZodObject<Shape>>;
  /** Whether no output sees a later input. */
  causal(settings: z.infer<z.ZodObject<Shape>>): boolean;
  /** x [B, T, D] → [B, T, D]. */
  apply(settings: z.infer<z.ZodObject<Shape>>, surroundings: Surroundings, scope: Scope, x: Tensor): Tensor;
  /** Absent: exactly where it is causal, else never. */
  decodes?(settings: z.infer<z.ZodObject<Shape>>): Decodes;
  /** How it grows; absent: it cannot grow. */
  readonly growth?: GrowthDefinition<z.infer<z.ZodObject<Shape>>>;
  /** What it looks like in PyTorch; absent: it cannot be exported there. */
  pytorch?(settings: z.infer<z.ZodObject<Shape>>, surroundings: Surroundings): PyTorchForm;
  /** Absent: `apply` maps each token alone, whatever stands before it. */
  readonly decoding?: Decoding<z.infer<z.ZodObject<Shape>>>;
}

const made = new WeakSet<Primitive>();

/** Whether `definePrimitive` of this very library gave it. */
export function isPrimitive(value: unknown): value is Primitive {
  return typeof value === "object" && value !== null && made.has(value as Primitive);
}

/** Words as patterns have them, but those that stand for something else there: × and its counts, and `at`. */
const plainWord = /^(?!x\d*$|at$)[a-z][\w-]*$/i;

/**
 * A primitive from what its file says of it. Before a model may use it by its name, `registerPrimitives` or
 * `scantling.config.ts` must list it.
 * Errors: RequestError for names that the pattern language cannot have; later, begun by the primitive's name, where what
 * its functions give does not fit.
 */
export function definePrimitive<Shape extends z.ZodRawShape>(
  definition: PrimitiveDefinition<Shape>,
): Primitive {
  const { name, decoding, pytorch } = definition;
  const keys = Object.keys(definition.settings);
  requireWord(name, "its name");
  for (const key of keys) requireWord(key, `primitive ${name}: the name of a setting`);
  if (keys.includes("primitive")) {
    throw new RequestError(`primitive ${name}: a setting cannot be called primitive; call it otherwise`);
  }
  for (const key of ["resolve", "causal", "apply"] as const) {
    if (typeof definition[key] === "function") continue;
    throw new RequestError(`primitive ${name}: ${key} is ${show(definition[key])}; expected a function`);
  }
  const schema = z.object(definition.settings);
  const primitive: Primitive = {
    name,
    keys,
    schema,
    configure(what, values, surroundings) {
      const settings = definition.resolve(parseStrict(what, schema, values), surroundings, what);
      const apply = (scope: Scope, x: Tensor): Tensor =>
        fitting(`primitive ${name}: apply`, definition.apply(settings, surroundings, scope, x), x);
      const causal = definition.causal(settings);
      return {
        name,
        configuration: settings,
        causal,
        decodes: definition.decodes?.(settings) ?? (causal ? "exactly" : "never"),
        apply,
        growth: definition.growth?.declare(settings, surroundings),
        pytorch: pytorch && (() => pytorch(settings, surroundings)),
        ...(decoding === undefined ? tokenByToken(apply) : continued(name, decoding, settings, surroundings)),
      };
    },
    growing: definition.growth && growingBy(definition.growth),
  };
  made.add(primitive);
  return primitive;
}

/** Configurations are those that `configure` gave, so they are the settings of this primitive. */
function growingBy<Settings>({ settings, follow, refuse }: GrowthDefinition<Settings>): Growing {
  const grown = ({ configuration, surroundings }: Placed) => ({
    settings: configuration as Settings,
    surroundings,
  });
  return {
    settings,
    follow: (before, changes, surroundings) => ({
      ...before.configuration,
      ...follow?.(grown(before), changes as Partial<Settings>, surroundings),
      ...changes,
    }),
    refuse(before, after) {
      const keys = Object.keys({ ...before.configuration, ...after.configuration });
      const fixed = keys.find(
        (key) =>
          !(settings as readonly string[]).includes(key) &&
          JSON.stringify(before.configuration[key]) !== JSON.stringify(after.configuration[key]),
      );
      if (fixed === undefined) return refuse?.(grown(before), grown(after));
      return `${fixed} is ${show(after.configuration[fixed])}; expected ${show(before.configuration[fixed])} as before, it cannot grow`;
    },
  };
}

function requireWord(name: unknown, what: string): void {
  if (typeof name === "string" && plainWord.test(name)) return;
  throw new RequestError(
    `definePrimitive: ${what} is ${show(name)}; expected a letter, then letters, digits, - or _, and neither x nor at`,
  );
}

/** `tensor`, once it has the type that is expected of it. */
function fitting(what: string, tensor: Tensor | undefined, { shape, dtype }: TensorType): Tensor {
  if (tensor !== undefined && sameShape(tensor.shape, shape) && tensor.dtype === dtype) return tensor;
  const given = tensor === undefined ? "nothing" : `${tensor.dtype} [${tensor.shape}]`;
  throw new RequestError(`${what} gives ${given}; expected ${dtype} [${shape}]`);
}

type DecodingPart = Pick<Module, "state" | "step" | "prefill" | "kept" | "mad">;

/** Decoding of a map that sees one token at a time. */
function tokenByToken(apply: Module["apply"]): DecodingPart {
  return {
    state: () => ({}),
    step(scope, x) {
      const [batch, width] = x.shape as [number, number];
      return { y: reshape(apply(scope, reshape(x, [batch, 1, width])), [batch, width]), state: {} };
    },
    prefill: (scope, x) => ({ y: apply(scope, x), state: {} }),
    kept: () => 0,
    mad: () => 0,
  };
}

function continued<Settings>(
  name: string,
  decoding: Decoding<Settings>,
  settings: Settings,
  surroundings: Surroundings,
): DecodingPart {
  const state = (batch: number, capacity: number) => decoding.state(settings, surroundings, batch, capacity);
  const { prefill, mad } = decoding;
  const kept = (length: number) =>
    Object.values(state(1, length)).reduce((total, { shape }) => total + sizeOf(shape), 0);
  return {
    state,
    step(scope, x, before, position) {
      const decoded = decoding.step(settings, surroundings, scope, x, before, position);
      return continuing(`primitive ${name}: step`, decoded, x, before);
    },
    prefill:
      prefill &&
      ((scope, x, capacity) => {
        const decoded = prefill(settings, surroundings, scope, x, capacity);
        return continuing(`primitive ${name}: prefill`, decoded, x, state(x.shape[0]!, capacity));
      }),
    kept,
    mad: mad === undefined ? kept : (length) => mad(settings, surroundings, length),
  };
}

/** `decoded`, once its features and every part of its state have the types that are expected of them. */
function continuing(
  what: string,
  { y, state }: Decoded,
  x: Tensor,
  types: Readonly<Record<string, TensorType>>,
): Decoded {
  fitting(what, y, x);
  for (const [part, type] of Object.entries(types))
    fitting(`${what}: state ${show(part)}`, state[part], type);
  return { y, state };
}
