// Approach 1 of Hoffmann et al. 2022: which size has the least loss at each FLOP along the curves of training, and a power law
// through these. Knows no file.

import { createRandom } from "../data/random.ts";
import { RequestError } from "../errors.ts";
import { narrowRange } from "./diagnose.ts";
import { sampledEstimate } from "./intervals.ts";
import { type FrontierFit, frontierFormula, type Optimum, poorFrontier, powerLawOf } from "./powerLaw.ts";

/** A point of a curve of training: the loss after so many operations. */
export interface CurvePoint {
  readonly parameters: number;
  readonly flops: number;
  readonly loss: number;
}

/** FLOP values that the envelope is taken at, as in the paper. */
const PLACES = 1500;

/**
 * Fits approach 1 to points of curves. Points of one size are one curve; where a size was trained several times, its lowest loss counts.
 * Intervals: curves drawn again.
 * Errors: RequestError where fewer than three sizes are ever the best.
 */
export function fitEnvelope(
  points: readonly CurvePoint[],
  { bootstraps = 1000, seed = 0 }: { readonly bootstraps?: number; readonly seed?: number } = {},
): FrontierFit {
  const curves = curvesOf(points);
  const optima = envelopeOf(curves);
  const sizes = new Set(optima.map(({ parameters }) => parameters));
  if (sizes.size < 3) {
    throw new RequestError(
      `envelope: ${sizes.size} of ${curves.length} sizes are the best at some FLOPs; expected at least three, each with losses ` +
        "along its training (columns parameters, flops, loss; a row for each point of a curve)",
    );
  }
  const { k, a } = powerLawOf(optima);
  const random = createRandom(seed, 0);
  const samples = Array.from({ length: bootstraps }, (_, sample) =>
    envelopeOf(curves.map((_, i) => curves[random.integer(sample * curves.length + i, curves.length)]!)),
  )
    .filter((found) => new Set(found.map(({ parameters }) => parameters)).size >= 2)
    .map(powerLawOf);
  const of = (name: "k" | "a", value: number) =>
    samples.length > 1
      ? sampledEstimate(
          value,
          samples.map((sample) => sample[name]),
        )
      : { value, standardError: null, interval: null };
  const flops = optima.map((optimum) => optimum.flops);
  return {
    law: "envelope",
    formula: frontierFormula,
    convention: "N and FLOPs as they are in the file; D = C/(6·N)",
    points: points.length,
    constants: { k: of("k", k), a: of("a", a) },
    // One for each size that is ever the best: where it begins to be.
    optima: [...sizes].map((size) => optima.find(({ parameters }) => parameters === size)!),
    intervals: { method: samples.length > 1 ? "bootstrap" : "none", level: 0.95, samples: samples.length },
    domain: {
      flops: [Math.min(...flops), Math.max(...flops)],
      parameters: [Math.min(...sizes), Math.max(...sizes)],
    },
    diagnostics: [...poorFrontier(optima), ...narrowRange("FLOPs of the envelope", flops)],
  };
}

interface Curve {
  readonly parameters: number;
  /** In increasing order of ln FLOPs, with the least loss so far. */
  readonly points: readonly { readonly x: number; readonly loss: number }[];
}

function curvesOf(points: readonly CurvePoint[]): Curve[] {
  const bySize = new Map<number, CurvePoint[]>();
  for (const point of points) {
    const own = bySize.get(point.parameters);
    if (own === undefined) bySize.set(point.parameters, [point]);
    else own.push(point);
  }
  return [...bySize].map(([parameters, own]) => {
    let least = Infinity;
    const sorted = [...own].sort((a, b) => a.flops - b.flops);
    return {
      parameters,
      points: sorted.map(({ flops, loss }) => {
        least = Math.min(least, loss);
        return { x: Math.log(flops), loss: least };
      }),
    };
  });
}

function envelopeOf(curves: readonly Curve[]): Optimum[] {
  const all = curves.flatMap((curve) => curve.points);
  const low = all.reduce((least, { x }) => Math.min(least, x), Infinity);
  const high = all.reduce((most, { x }) => Math.max(most, x), -Infinity);
  const optima: Optimum[] = [];
  const places = curves.map(() => 0);
  for (let i = 0; i < PLACES; i++) {
    const x = low + ((high - low) * i) / (PLACES - 1);
    let best: Optimum | null = null;
    for (const [c, { parameters, points }] of curves.entries()) {
      while (places[c]! + 1 < points.length && points[places[c]! + 1]!.x <= x) places[c]!++;
      const [from, to] = [points[places[c]!]!, points[places[c]! + 1]];
      if (from.x > x || (to === undefined && from.x < x)) continue;
      const loss =
        to === undefined ? from.loss : from.loss + ((x - from.x) / (to.x - from.x)) * (to.loss - from.loss);
      if (best === null || loss < best.loss) best = { flops: Math.exp(x), parameters, loss };
    }
    if (best !== null) optima.push(best);
  }
  return optima;
}
