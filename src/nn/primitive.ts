// What a primitive is: a named map from [B, T, D] to [B, T, D] with settings of its own. Knows no particular one.
// B batch, T length, D width.
import { z } from "zod";
import { parseStrict } from "../strict.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Scope } from "./scope.ts";

/** The model a primitive stands in. */
export interface Surroundings {
  /** D, features of its input and output. */
  readonly width: number;
  /** Standard deviation of matrices at the start. */
  readonly standardDeviation: number;
}

/** A primitive with its settings, ready to be applied anywhere. */
export interface Module {
  readonly name: string;
  /** All settings, defaults filled in. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Whether no output sees a later input. */
  readonly causal: boolean;
  /** x [B, T, D] → [B, T, D]; the residual path is the caller's. */
  apply(scope: Scope, x: Tensor): Tensor;
}

/** Shared code sees no more of a primitive than this. */
export interface Primitive {
  readonly name: string;
  /** Names of its settings. */
  readonly keys: readonly string[];
  /** Errors: RequestError for unknown or impossible settings, `what` naming where they stand. */
  configure(what: string, values: unknown, surroundings: Surroundings): Module;
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
  causal(settings: z.infer<z.ZodObject<Shape>>): boolean;
  apply(settings: z.infer<z.ZodObject<Shape>>, surroundings: Surroundings, scope: Scope, x: Tensor): Tensor;
}

export function definePrimitive<Shape extends z.ZodRawShape>(
  definition: PrimitiveDefinition<Shape>,
): Primitive {
  const schema = z.object(definition.settings);
  return {
    name: definition.name,
    keys: Object.keys(definition.settings),
    configure(what, values, surroundings) {
      const settings = definition.resolve(parseStrict(what, schema, values), surroundings, what);
      return {
        name: definition.name,
        configuration: settings,
        causal: definition.causal(settings),
        apply: (scope, x) => definition.apply(settings, surroundings, scope, x),
      };
    },
  };
}
