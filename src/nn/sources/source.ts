// What a parameter source is: it stands between an architecture's primitives and its stored parameters, and gives a name a
// tensor made of others. Knows no primitive and no particular source.
import type { z } from "zod";
import { z as zod } from "zod";
import { parseStrict } from "../../strict.ts";
import type { ParameterDeclaration, ParameterSource, Parameters } from "../parameters.ts";
import type { SourceForm } from "../pytorch/form.ts";

/** The model whose parameters are asked for. */
export interface SourceSurroundings {
  /** How often the stripe is repeated: its blocks are `block.0` to `block.N-1`. */
  readonly repeat: number;
  /** What the primitives ask for, in order. */
  readonly parameters: () => Parameters;
}

/**
 * Where sources stand, from the stored parameters up: what a matrix is kept as, which blocks keep it together, what a block
 * adds of its own, what becomes of the sum.
 */
export const levels = ["store", "share", "adapt", "transform"] as const;
export type Level = (typeof levels)[number];

/** A source with its settings. */
export interface SourceModule {
  readonly name: string;
  /** All settings, defaults filled in. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly level: Level;
  /** Errors: RequestError, begun by `what`, where the source does not fit the model. */
  check(what: string, surroundings: SourceSurroundings): void;
  /** `inner` gives what lies below; `own` keeps parameters that belong to one name alone, whoever shares the rest. */
  wrap(surroundings: SourceSurroundings, inner: ParameterSource, own: ParameterSource): ParameterSource;
  /** How it computes matrices in PyTorch; undefined: it computes none, and only says whose parameters a block has. */
  readonly pytorch: (() => SourceForm) | undefined;
}

/** Shared code sees no more of a source than this. */
export interface Source {
  readonly name: string;
  readonly schema: z.ZodObject;
  /** Errors: RequestError for unknown or impossible settings, `what` naming where they stand. */
  configure(what: string, values: unknown): SourceModule;
}

/** What a source's file says of it. */
export interface SourceDefinition<Shape extends z.ZodRawShape> {
  readonly name: string;
  readonly level: Level;
  /** Settings with their defaults. */
  readonly settings: Shape;
  check?(settings: z.infer<z.ZodObject<Shape>>, surroundings: SourceSurroundings, what: string): void;
  wrap(
    settings: z.infer<z.ZodObject<Shape>>,
    surroundings: SourceSurroundings,
    inner: ParameterSource,
    own: ParameterSource,
  ): ParameterSource;
  /** How it computes matrices in PyTorch; absent: it computes none, and only says whose parameters a block has. */
  pytorch?(settings: z.infer<z.ZodObject<Shape>>): SourceForm;
}

export function defineSource<Shape extends z.ZodRawShape>(definition: SourceDefinition<Shape>): Source {
  const schema = zod.object(definition.settings);
  const { pytorch } = definition;
  return {
    name: definition.name,
    schema,
    configure(what, values) {
      const settings = parseStrict(what, schema, values);
      return {
        name: definition.name,
        configuration: settings,
        level: definition.level,
        check: (what, surroundings) => definition.check?.(settings, surroundings, what),
        wrap: (surroundings, inner, own) => definition.wrap(settings, surroundings, inner, own),
        pytorch: pytorch && (() => pytorch(settings)),
      };
    },
  };
}

/** The block of a parameter `block.3.attention.query.weight`: its number and what follows; undefined outside of them. */
export function inBlock(name: string): { readonly block: number; readonly rest: string } | undefined {
  const found = /^block\.(\d+)\.(.+)$/s.exec(name);
  return found === null ? undefined : { block: Number(found[1]), rest: found[2]! };
}

/** Whether a parameter is a matrix between features inside a block (or several of them in one tensor). */
export function isBlockMatrix(name: string, { shape, role }: ParameterDeclaration): boolean {
  return role === "hidden" && shape.length >= 2 && /^(?:block\.\d+|first|last)\./.test(name);
}

/** Rows and columns of a tensor seen as one matrix: all axes but the last, and the last. */
export function matrixShape({ shape }: ParameterDeclaration): readonly [rows: number, columns: number] {
  const columns = shape.at(-1)!;
  return [shape.reduce((size, axis) => size * axis, 1) / columns, columns];
}

/** The standard deviation that a matrix begins with; that of a uniform one for uniform values. */
export function initialDeviation({ initializer }: ParameterDeclaration): number | undefined {
  switch (initializer.kind) {
    case "normal":
      return initializer.standardDeviation;
    case "uniform":
      return initializer.transform === undefined
        ? (initializer.high - initializer.low) / Math.sqrt(12)
        : undefined;
    case "constant":
    case "values":
      return undefined;
  }
}
