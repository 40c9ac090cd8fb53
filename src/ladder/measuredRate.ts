// A rate that was measured on small models, and what it becomes in a planned one: by the rules that training goes by. Measures
// nothing; knows no budget.
import { RequestError } from "../errors.ts";
import type { MeasuredRate, RateAdvice, RoleRate } from "../scaling/plan/recipe.ts";
import type { Shape } from "../scaling/plan/shape.ts";
import {
  type MaximalUpdate,
  maximalUpdateFactors,
  multipliers,
  ratiosOf,
} from "../train/parametrisation/maximalUpdate.ts";
import { withBase } from "../transfer/request.ts";
import { meanRate, readMeasurement } from "./rates.ts";

/** A rate with the base that it holds at. */
export interface BaseRate {
  readonly rate: number;
  readonly parametrisation: MaximalUpdate;
  /** What it was measured on, in words. */
  readonly source: string;
}

/** Width and depth of the smallest models, where they are known. */
export interface Base {
  readonly width?: number | undefined;
  readonly depth?: number | undefined;
}

const names = { mup: "muP", "depth-mup": "depth-muP", completep: "CompleteP" } as const;

/**
 * A rate that somebody measured at a width and, where the parametrisation is over depth too, at a depth.
 * Errors: RequestError where one of them is missing or of no use.
 */
export function givenRate(rate: number, kind: MaximalUpdate["kind"], base: Base): BaseRate {
  return { rate, parametrisation: baseOf(kind, base, "--rate"), source: "--rate" };
}

/**
 * The rate that a measurement of transfer leads to: the geometric mean of the best ones of all its sizes under that parametrisation.
 * Errors: RequestError, beginning with `name`, for what is no such measurement, one under other parametrisations, and one whose best
 * rates move or lie at an end of its grid.
 * @param measured the document of `scantling transfer --json`
 * @param base what it does not tell: the depth, where it is over widths alone
 */
export function measuredRateOf(
  measured: unknown,
  name: string,
  kind: MaximalUpdate["kind"],
  base: Base = {},
): BaseRate {
  const { widths, depths } = readMeasurement(measured, name);
  const all = [...widths, ...depths].map(({ parametrisation }) => parametrisation);
  if (!all.includes(kind)) {
    throw new RequestError(
      `${name}: it was measured under ${[...new Set(all)].join(", ").slice(0, 100) || "nothing"}; expected ${kind}, as --parametrisation says`,
    );
  }
  const rowsOf = (series: typeof widths) =>
    series.find(({ parametrisation }) => parametrisation === kind)?.rows(["stays"]) ?? [];
  // muP says nothing of models of other depths.
  const [byWidth, byDepth] = [rowsOf(widths), kind === "mup" ? [] : rowsOf(depths)];
  if (byWidth.length + byDepth.length === 0)
    throw new RequestError(
      `${name}: no series over widths under ${kind}; expected a measurement with two --widths or more`,
    );
  const found = { width: byWidth[0]?.size, depth: byDepth[0]?.size };
  for (const axis of ["width", "depth"] as const) {
    const [told, given] = [found[axis], base[axis]];
    if (told !== undefined && given !== undefined && told !== given)
      throw new RequestError(`--base-${axis} ${given}: ${name} was measured from ${told} on; leave it out`);
  }
  const sizes = [
    ...(byWidth.length > 0 ? [`widths ${byWidth.map(({ size }) => size).join(", ")}`] : []),
    ...(byDepth.length > 0 ? [`depths ${byDepth.map(({ size }) => size).join(", ")}`] : []),
  ];
  const parametrisation = baseOf(
    kind,
    { width: base.width ?? found.width, depth: base.depth ?? found.depth },
    name,
  );
  return {
    rate: meanRate([...byWidth, ...byDepth]),
    parametrisation,
    source: `${name}: ${sizes.join("; ")}`,
  };
}

function baseOf(kind: MaximalUpdate["kind"], { width, depth }: Base, name: string): MaximalUpdate {
  const missing = (axis: "width" | "depth") =>
    new RequestError(`${name}: the ${axis} that the rate holds at is not known; give --base-${axis}`);
  if (width === undefined) throw missing("width");
  if (kind === "mup" && depth !== undefined)
    throw new RequestError(
      "--base-depth is of no use to --parametrisation mup, which says nothing of depth; leave it out",
    );
  if (kind !== "mup" && depth === undefined) throw missing("depth");
  return withBase(kind, width, depth ?? 1) as MaximalUpdate;
}

/** What a plan takes: the rate by role at the width and depth that the plan comes to. */
export function planRate(base: BaseRate): MeasuredRate {
  return { parametrisation: base.parametrisation.kind, at: (shape) => adviceFor(base, shape) };
}

function adviceFor({ rate, parametrisation, source }: BaseRate, shape: Shape | null): RateAdvice {
  const { kind, baseWidth } = parametrisation;
  const isDeep = parametrisation.kind !== "mup";
  const at = `width ${baseWidth}${isDeep ? ` and depth ${parametrisation.baseDepth}` : ""}`;
  const begin = `${names[kind]}, measured at ${at} (${source})`;
  if (shape === null) return { rate, rateRule: `${begin}; what it becomes is not known without a shape` };
  const ratios = ratiosOf(shape.architecture, parametrisation);
  const rates = roles.map(
    ({ role, factor }): RoleRate => ({ role, factor: factor(ratios), rate: rate * factor(ratios) }),
  );
  const { logits, residual } = multipliers(ratios);
  const forward = [
    `logits × ${short(logits)}`,
    ...(isDeep ? [`residual branches × ${short(residual)}`] : []),
  ];
  const there = `at width ${shape.architecture.width}${isDeep ? ` and depth ${shape.architecture.repeat}` : ""}`;
  const said = rates.map(({ role, factor, rate: own }) => `${role} × ${short(factor)} = ${short(own)}`);
  return {
    rate,
    rates,
    rateRule: `${begin}; ${there}: ${said.join(", ")}; ${forward.join(", ")}${isDeep ? "" : "; it says nothing of depth"}`,
  };
}

type Ratios = Parameters<typeof maximalUpdateFactors>[3];

/** Parameters that are told apart by their rates, each by one of them. */
const roles = [
  { role: "embedding, positions, head and last norm", factor: factorOf("embedding", "embedding", false) },
  { role: "matrices of blocks", factor: factorOf("block.0.matrix", "hidden", true) },
  { role: "their other parameters", factor: factorOf("block.0.scale", "scale", false) },
];

function factorOf(name: string, role: "embedding" | "hidden" | "scale", reads: boolean) {
  const declaration = { shape: [1, 1], role, initializer: { kind: "constant", value: 0 } } as const;
  return (ratios: Ratios): number =>
    maximalUpdateFactors(name, declaration, { grows: [reads, true], exponent: 0 }, ratios).rate;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
