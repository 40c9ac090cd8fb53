// Parametrisations as data: which there are and what each is told. Knows no parameters and no training.
import { z } from "zod";
import { RequestError } from "../../errors.ts";
import {
  expectedOneOf,
  numberBetween,
  parseStrict,
  positiveNumber,
  show,
  trueOrFalse,
  wholeNumber,
} from "../../strict.ts";

/** Width at which rates, deviations and so on hold as they are given. */
const baseWidth = wholeNumber();
/** Repetitions of the stripe at which they do. */
const baseDepth = wholeNumber();
/** Width of heads there, where heads are to be wider in wider models; absent: heads are as wide everywhere. */
const baseHeadWidth = wholeNumber().optional();
/** The head begins at zeros, without which logits move further in narrow models (Yang et al. 2021, appendix D.2). */
const zeroHead = trueOrFalse().default(false);

const schemas = {
  standard: z.object({ kind: z.literal("standard") }),
  mup: z.object({ kind: z.literal("mup"), baseWidth, baseHeadWidth, zeroHead }),
  "depth-mup": z.object({ kind: z.literal("depth-mup"), baseWidth, baseHeadWidth, zeroHead, baseDepth }),
  completep: z.object({ kind: z.literal("completep"), baseWidth, baseHeadWidth, zeroHead, baseDepth }),
  chen: z.object({ kind: z.literal("chen"), baseDepth: baseDepth.default(1) }),
  gradinit: z.object({
    kind: z.literal("gradinit"),
    /** Updates of the scales. */
    iterations: wholeNumber().default(100),
    /** Learning rate of the scales. */
    rate: positiveNumber().default(0.01),
    /** Largest sum of the gradient's absolute values, times the learning rate: how far the first step may lower the loss. */
    gradientNorm: positiveNumber().default(1),
    /** Least scale. */
    least: numberBetween(0, 1).default(0.01),
  }),
};

/** What holds at a base width; fields as in the schemas above. */
export interface AtWidth {
  readonly baseWidth: number;
  readonly baseHeadWidth?: number | undefined;
  readonly zeroHead: boolean;
}

/** How first values, rates and multipliers depend on an architecture's width and depth, or on its graph. */
export type Parametrisation =
  | { readonly kind: "standard" }
  | (AtWidth & { readonly kind: "mup" })
  | (AtWidth & { readonly kind: "depth-mup" | "completep"; readonly baseDepth: number })
  | { readonly kind: "chen"; readonly baseDepth: number }
  | {
      readonly kind: "gradinit";
      readonly iterations: number;
      readonly rate: number;
      readonly gradientNorm: number;
      readonly least: number;
    };

/** Its name. */
export type ParametrisationKind = Parametrisation["kind"];

/** All there are. */
export const parametrisationKinds = Object.keys(schemas) as readonly ParametrisationKind[];

/** One deviation and one rate for all. */
export const standard: Parametrisation = { kind: "standard" };

/** From a name or `{ kind, ...settings }`. Errors: RequestError for kinds and settings that do not exist. */
export function defineParametrisation(of: unknown): Parametrisation {
  const settings = typeof of === "string" ? { kind: of } : of;
  const kind = (settings as { kind?: unknown } | null)?.kind;
  if (typeof kind !== "string" || !Object.hasOwn(schemas, kind)) {
    throw new RequestError(
      `parametrisation: kind is ${show(kind)}; ${expectedOneOf(kind, parametrisationKinds)}`,
    );
  }
  const schema: z.ZodObject = schemas[kind as keyof typeof schemas];
  return parseStrict(`parametrisation ${kind}`, schema, settings) as Parametrisation;
}
