// Candidates of the asked size and state: ideas at the width that has so many parameters, architectures of the user as they
// are or at such a width, and those that cannot be had. Knows no runs.

import { type Architecture, defineArchitecture } from "../architecture/architecture.ts";
import { count, countedParameters } from "../architecture/count.ts";
import { readArchitectureInput } from "../architecture/read.ts";
import type { ArchitectureInput } from "../architecture/schema.ts";
import { atShape, solveWidths } from "../architecture/solve.ts";
import { RequestError } from "../errors.ts";
import { nearestModel } from "../ladder/family.ts";
import { headsOf, nearestDivisor } from "../nn/heads.ts";
import { formatNumber } from "../report/format.ts";
import { levineShape } from "../scaling/laws/depth.ts";
import { canonicalText } from "../study/canonical.ts";
import type { Json } from "../study/job.ts";
import { type Idea, ideas } from "./ideas.ts";
import type { CandidateInput } from "./input.ts";

/** An architecture that takes part. */
export interface Candidate {
  readonly name: string;
  /** What it is there for. */
  readonly why: string;
  readonly architecture: Architecture;
  /** What is its own of how it is trained; undefined: as all others. */
  readonly parametrisation: CandidateInput["parametrisation"];
  readonly rates: CandidateInput["rates"];
  /** All of them. */
  readonly parameters: number;
  /** Numbers that decoding carries for one sequence. */
  readonly state: number;
  /** Of training, as they are computed. */
  readonly flopsPerToken: number;
}

/** One that does not, and why: one line. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** What candidates are held to. */
export interface SizeRequest {
  /** Undefined: architectures of the user stay as they are. */
  readonly parameters: number | undefined;
  /** Undefined: any. */
  readonly state: number | undefined;
  readonly vocabulary: number;
  readonly length: number;
}

/** Largest share by which a candidate's parameters may be off. */
const TOLERANCE = 0.1;

/** The candidates, and what was left out. */
export interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly leftOut: readonly LeftOut[];
}

/** Every idea at that size. Errors: RequestError, one line, where fewer than two can be had. */
export function generatedCandidates(request: SizeRequest & { readonly parameters: number }): Candidates {
  const usual = 4 * Math.max(1, Math.round(levineShape(request.parameters).depth / 4));
  return chosen(
    ideas.map((idea) => [idea.name, () => candidateOf(idea.name, idea.why, sized(idea, usual, request))]),
    request,
  );
}

/**
 * The user's: one with a width stays as it is unless `parameters` are asked for by the user.
 * @param resized whether they are
 * @returns `isSized`: whether any of them is solved for a size
 * Errors: RequestError, one line, for one that cannot be, and where fewer than two can be had.
 */
export function givenCandidates(
  given: Readonly<Record<string, string | CandidateInput>>,
  resized: boolean,
  request: SizeRequest,
): Candidates & { readonly isSized: boolean } {
  const entries = Object.entries(given).map(([name, one]): Entry => {
    const arm = typeof one === "string" ? { architecture: one } : one;
    const { architecture, held } = ofUser(name, arm, resized, request);
    const candidate = () => ({
      ...candidateOf(name, "given", architecture()),
      ...{ parametrisation: arm.parametrisation, rates: arm.rates },
    });
    return [name, candidate, held];
  });
  return { ...chosen(entries, request), isSized: entries.some(([, , isHeld]) => isHeld) };
}

function ofUser(
  name: string,
  arm: CandidateInput,
  resized: boolean,
  { vocabulary, length, parameters }: SizeRequest,
) {
  const input =
    typeof arm.architecture === "string" ? readArchitectureInput(arm.architecture) : arm.architecture;
  const held = parameters !== undefined && (resized || input.width === undefined);
  const base = within(`candidates.${name}`, () =>
    defineArchitecture({ width: 64, ...input, vocabulary, length }),
  );
  const budget = { of: "parameters", value: parameters ?? 0, convention: "total" } as const;
  const architecture = () => {
    if (!held) return base;
    const [solution] = solveWidths(base, budget, [base.repeat]);
    return atShape(base, solution!.width, base.repeat);
  };
  return { architecture, held };
}

function within<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof RequestError ? new RequestError(`design: ${what}: ${error.message}`) : error;
  }
}

function candidateOf(name: string, why: string, architecture: Architecture): Candidate {
  const { parameters, stateElements, flopsPerToken } = count(architecture);
  return {
    ...{ name, why, architecture, parametrisation: undefined, rates: undefined },
    ...{ parameters: parameters.total, state: stateElements.kept, flopsPerToken: flopsPerToken.training },
  };
}

/** Width by heads of about 32 features, then hidden features for what is missing or too much. */
function sized(
  { depth, blueprint }: Idea,
  usual: number,
  { vocabulary, length, parameters }: SizeRequest & { readonly parameters: number },
): Architecture {
  const layers = Math.max(1, Math.round(usual * depth));
  const input = (width: number, hidden: number): Omit<ArchitectureInput, "vocabulary"> => {
    const heads = nearestDivisor(width / 2, headsOf(width, width < 512 ? 32 : 64));
    const frame = { length, width, layers, norm: "rms", positions: "rope" } as const;
    return { ...frame, ...blueprint({ width, heads, length, feedforward: hidden }) };
  };
  const usualHidden = (width: number) => Math.max(8, 8 * Math.round(width / 3));
  const family = {
    ...{ name: "idea", step: 8 },
    rates: { kind: "table", rows: [] } as const,
    architecture: (width: number) => input(width, usualHidden(width)),
  };
  const { width } = nearestModel(family, vocabulary, layers, parameters);
  const at = (hidden: number) => defineArchitecture({ ...input(width, hidden), vocabulary });
  const size = (hidden: number) => countedParameters(at(hidden)).total;
  const hidden = usualHidden(width);
  const each = (size(2 * hidden) - size(hidden)) / hidden;
  const wanted = Math.round(hidden + (parameters - size(hidden)) / each);
  // Within a factor of two the layer is still what it is called.
  return at(Math.min(2 * hidden, Math.max(Math.ceil(hidden / 2), wanted)));
}

type Entry = readonly [name: string, candidate: () => Candidate, isHeld?: boolean];

function chosen(entries: readonly Entry[], request: SizeRequest): Candidates {
  const candidates: Candidate[] = [];
  const missed: Missed[] = [];
  for (const [name, make, isHeld = true] of entries) {
    const leave = (reason: string, of: Missed["of"] = "other", off = 0) =>
      missed.push({ name, reason, of, off });
    try {
      const candidate = make();
      const twin = candidates.find((other) => sameModel(other, candidate));
      const miss = missOf(candidate, isHeld, request);
      if (twin !== undefined) leave(`${isHeld ? "at this size " : ""}it is ${twin.name}, by another name`);
      else if (miss !== null) leave(miss.reason, miss.of, miss.off);
      else candidates.push(candidate);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      leave(error.message);
    }
  }
  if (candidates.length < 2) throw new RequestError(tooFew(candidates.length, missed));
  return { candidates, leftOut: missed.map(({ name, reason }) => ({ name, reason })) };
}

/** One architecture, trained alike. What one names and the other leaves to its default is the same, in whatever order it stands. */
function sameModel(a: Candidate, b: Candidate): boolean {
  return trainedText(a) === trainedText(b);
}

function trainedText({ architecture, rates, parametrisation }: Candidate): string {
  // All of it is JSON, though the types of its parts do not say so.
  return canonicalText([architecture, rates ?? null, parametrisation ?? null] as unknown as Json);
}

const grouped = (value: number): string => Math.round(value).toLocaleString("en-US");

interface Missed extends LeftOut {
  readonly of: "parameters" | "state" | "other";
  /** How far, for those of one kind. */
  readonly off: number;
}

/** How far a candidate is off; null where it is not. */
function missOf(
  { parameters, state }: Candidate,
  isHeld: boolean,
  request: SizeRequest,
): Omit<Missed, "name"> | null {
  if (isHeld && request.parameters !== undefined) {
    const off = Math.abs(parameters / request.parameters - 1);
    if (off > TOLERANCE) {
      const reason = `${grouped(parameters)} parameters come nearest, ${Math.round(100 * off)} % off ${grouped(request.parameters)}`;
      return { reason, of: "parameters", off };
    }
  }
  if (request.state !== undefined && state > request.state) {
    const reason = `it carries ${grouped(state)} numbers of state, more than ${grouped(request.state)}`;
    return { reason, of: "state", off: state - request.state };
  }
  return null;
}

function tooFew(have: number, missed: readonly Missed[]): string {
  const nearest = (["parameters", "state", "other"] as const).flatMap((of) => {
    const [first] = missed.filter((one) => one.of === of).sort((a, b) => a.off - b.off);
    return first === undefined ? [] : [`${first.name}: ${first.reason}`];
  });
  const near = nearest.length === 0 ? "" : `; ${nearest.join("; ")}`;
  const asked = (["parameters", "state"] as const).filter((what) => missed.some(({ of }) => of === what));
  const meets =
    asked.length === 0
      ? "can be had at that size"
      : `${have === 1 ? "meets" : "meet"} ${asked.join(" and ")}`;
  return (
    `design: ${formatNumber(have, "candidate")} ${meets}, expected two or more${near}: change ` +
    `${asked.length === 0 ? "parameters" : asked.join(", ")} or the candidates`
  );
}
