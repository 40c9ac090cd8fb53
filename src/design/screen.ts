// Which kinds of blocks are not worth a run on text, by synthetic tasks that test what a language model must be able to do (Poli,
// Thomas et al. 2024). Knows candidates by their blocks alone.
import type { Architecture } from "../architecture/schema.ts";
import { atShape, possibleWidths } from "../architecture/solve.ts";
import { type Block, blocksOf } from "../architecture/stripe.ts";
import { RequestError } from "../errors.ts";
import type { Contestant } from "../mad/contestants.ts";
import { defineComparison } from "../mad/request.ts";
import type { MadResult } from "../mad/result.ts";
import type { Candidate, LeftOut } from "./sizes.ts";

/** A screening, before it is run. */
export interface Screen {
  /** Kinds of blocks, each once, at the size of the profile. */
  readonly contestants: readonly Contestant[];
  /** Of each candidate: the number of its kind. */
  readonly kinds: readonly number[];
  /** Of training. */
  readonly flops: number;
}

/** What a screening found. */
export interface Screened {
  /** Of kinds of blocks, called like their first candidate, best first. */
  readonly scores: readonly {
    readonly name: string;
    readonly score: number | null;
    readonly interval: readonly [number, number] | null;
  }[];
  /** Seconds of processes, and by the clock. */
  readonly cost: {
    readonly runs: number;
    readonly flops: number;
    readonly seconds: number;
    readonly clock: number;
  };
}

/** Two tasks, three seeds. */
export const SCREEN_PROFILE = "quick";
const WIDTH = 64;
/** Blocks whose mixer sees other tokens; recall takes two of attention. */
const LEAST_MIXERS = 2;

/** Null where there are not two kinds, or one cannot answer the tasks. */
export function screenOf(candidates: readonly Candidate[]): Screen | null {
  const found = new Map<
    string,
    { readonly name: string; readonly input: Contestant["input"]; readonly number: number }
  >();
  const kinds = candidates.map(({ name, architecture }) => {
    const { vocabulary: _, length: __, ...input } = smallOf(architecture);
    const key = JSON.stringify(input);
    const known = found.get(key) ?? { name, input, number: found.size };
    found.set(key, known);
    return known.number;
  });
  const contestants = [...found.values()].map(({ name, input }) => ({ name, input }));
  if (contestants.length < 2) return null;
  try {
    const { cost } = defineComparison({ architectures: contestants, profile: SCREEN_PROFILE });
    return { contestants, kinds, flops: cost.flops };
  } catch (error) {
    if (error instanceof RequestError) return null;
    throw error;
  }
}

/** As few of its blocks as are of use, at about the profile's width. */
function smallOf(architecture: Architecture): Architecture {
  const mixers = blocksOf(architecture)
    .find(({ path }) => path.startsWith("block."))!
    .places.filter(mixes).length;
  const depth = Math.max(1, Math.ceil(LEAST_MIXERS / Math.max(1, mixers)));
  const { step, least } = possibleWidths(architecture, depth);
  return atShape(architecture, Math.max(least, step * Math.round(WIDTH / step)), depth);
}

/** What sees other tokens carries something from one to the next when it decodes. */
function mixes({ module }: Block["places"][number]): boolean {
  return Object.keys(module.state(1, 2)).length > 0;
}

/** One in so many kinds may be left out. */
const LOWEST = 3;

/**
 * Candidates of the kinds in the lowest third that the best one surely beats, over all pairs at once; at least two candidates
 * stay.
 */
export function afterTasks(
  candidates: readonly Candidate[],
  { contestants, kinds }: Screen,
  { architectures, verdicts, spent: { runs, flops, seconds, clock } }: MadResult,
): {
  readonly candidates: readonly Candidate[];
  readonly leftOut: readonly LeftOut[];
  readonly screened: Screened;
} {
  const scores = new Map(architectures.map(({ name, mean }) => [name, mean.score]));
  const scoreOf = ({ name }: Contestant) => scores.get(name) ?? Number.NEGATIVE_INFINITY;
  const ranked = [...contestants].sort((a, b) => scoreOf(b) - scoreOf(a));
  const best = ranked[0]!;
  const screened: Screened = {
    scores: ranked.map(({ name }) => {
      const { score, interval } = architectures.find((one) => one.name === name)!.mean;
      return { name, score, interval };
    }),
    cost: { runs, flops, seconds, clock },
  };
  const lowest = new Set(ranked.slice(ranked.length - Math.floor(ranked.length / LOWEST)));
  const isBeaten = ({ name }: Contestant) =>
    verdicts.mean.some(
      ({ first, second, winner }) =>
        winner === best.name && (first === name || second === name) && name !== best.name,
    );
  const isOut = candidates.map((_, place) => {
    const kind = contestants[kinds[place]!]!;
    return lowest.has(kind) && isBeaten(kind);
  });
  const kept = candidates.filter((_, place) => !isOut[place]);
  if (kept.length < 2) return { candidates, leftOut: [], screened };
  return {
    candidates: kept,
    screened,
    leftOut: candidates.flatMap(({ name }, place) => {
      if (!isOut[place]) return [];
      const kind = contestants[kinds[place]!]!;
      const reason =
        `its blocks have a MAD score of ${scoreOf(kind).toFixed(3)}, among the lowest third, and those of ` +
        `${best.name}, ${scoreOf(best).toFixed(3)}, surely more`;
      return [{ name, reason }];
    }),
  };
}
