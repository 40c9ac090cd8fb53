// The ways in which a step can be run to take less memory, what each costs, and a guess at what it takes. Knows graphs, no
// plans and no bounds.
import type { Architecture } from "../architecture/architecture.ts";
import { graphFlops } from "../architecture/count.ts";
import { outputPlaces } from "../architecture/forward.ts";
import { programResults } from "../tensor/program.ts";
import { type StepOptions, trainingStep } from "./step.ts";

export interface Way {
  readonly options: StepOptions;
  /** Of one update, by its graph. */
  readonly flops: number;
  /** A guess. */
  readonly arenaBytes: number;
}

/** What is known of the step as it was asked for. */
export interface Asked {
  readonly options: StepOptions;
  readonly arenaBytes: number;
  /** Numbers in the model. */
  readonly parameters: number;
  /** Of the step. */
  readonly modules: number;
}

/** Logits that are there at a time where the loss is cut into parts, and the fewest answers of a part. */
const LOGITS_BYTES = 32 * 2 ** 20;
const FEWEST_ANSWERS = 16;

/** The batch divided further. Nothing costs fewer operations: gradients are added up once for each part. */
export function dividedWays(architecture: Architecture, asked: Asked): Way[] {
  return waysWith(architecture, asked, asked.options.recompute ?? 0).filter(
    ({ options }) => options.lossParts === (asked.options.lossParts ?? 1),
  );
}

/** The same with values computed again, 1, 2, 4 … modules at a time, or logits, or both; the cheapest first. */
export function recomputingWays(architecture: Architecture, asked: Asked): Way[] {
  const { recompute = 0, lossParts = 1 } = asked.options;
  const segments = recompute > 0 ? [recompute] : [0, ...powersOfTwo(asked.modules - 1)];
  return segments
    .flatMap((segment) => waysWith(architecture, asked, segment))
    .filter(({ options }) => options.recompute !== recompute || options.lossParts !== lossParts)
    .sort((a, b) => a.flops - b.flops || a.options.microBatches - b.options.microBatches);
}

/** All ways with so many modules computed again together, but for the one asked for. */
function waysWith(
  architecture: Architecture,
  { options: asked, arenaBytes, parameters, modules }: Asked,
  recompute: number,
): Way[] {
  const { batch, microBatches: least, length, lossParts: askedParts = 1 } = asked;
  const { width, vocabulary } = architecture;
  const places = outputPlaces(architecture, length);
  const isAsked = recompute === (asked.recompute ?? 0);
  const residual = (4 * batch * length * width) / least;
  // Logits and their gradients.
  const head = askedParts > 1 ? 0 : Math.min(arenaBytes / 2, (8 * batch * places * vocabulary) / least);
  const inside = (arenaBytes - head) / modules;
  const kept = isAsked ? arenaBytes - head : (modules / recompute) * residual + recompute * inside;
  const row = flopsOf(architecture, { ...asked, batch: 1, microBatches: 1, recompute, lossParts: 1 });
  return divisors(batch)
    .filter((microBatches) => microBatches % least === 0)
    .flatMap((microBatches) => {
      const answers = (batch / microBatches) * places;
      const share = least / microBatches;
      const cut = lossPartsFor(answers, vocabulary);
      const choices = askedParts > 1 ? [askedParts] : cut > 1 ? [1, cut] : [1];
      return choices
        .filter((lossParts) => answers % lossParts === 0)
        .filter((lossParts) => !isAsked || microBatches > least || lossParts !== askedParts)
        .map((lossParts) => ({
          options: { ...asked, microBatches, recompute, lossParts },
          flops:
            batch * (row + (lossParts > 1 ? 2 * places * width * vocabulary : 0)) + microBatches * parameters,
          arenaBytes: share * kept + (lossParts > 1 ? 2 * LOGITS_BYTES : share * head),
        }));
    });
}

/** The fewest parts whose logits take no more than LOGITS_BYTES; 1 where that would leave parts too small to be fast. */
function lossPartsFor(answers: number, vocabulary: number): number {
  const isSmall = (parts: number) => (4 * answers * vocabulary) / parts <= LOGITS_BYTES;
  const parts = divisors(answers).find(isSmall) ?? 1;
  return answers / parts < FEWEST_ANSWERS ? 1 : parts;
}

function flopsOf(architecture: Architecture, options: StepOptions): number {
  return graphFlops(programResults(trainingStep(architecture, options).update));
}

function powersOfTwo(most: number): number[] {
  const powers: number[] = [];
  for (let power = 1; power <= most; power *= 2) powers.push(power);
  return powers;
}

function divisors(whole: number): number[] {
  return Array.from({ length: whole }, (_, i) => i + 1).filter((divisor) => whole % divisor === 0);
}

/** A way in words; "" where nothing of it saves memory. */
export function describeWay({ microBatches, recompute = 0, lossParts = 1 }: StepOptions): string {
  const modules = recompute === 1 ? "every module" : `${recompute} modules at a time`;
  const parts = [
    ...(microBatches > 1 ? [`the batch in ${microBatches} parts`] : []),
    ...(recompute > 0 ? [`${modules} computed again for gradients`] : []),
    ...(lossParts > 1 ? [`logits in ${lossParts} parts and again for gradients`] : []),
  ];
  return parts.join(", ");
}
