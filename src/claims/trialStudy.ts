// Claims that studies of trained models test: arms, and which of them has to win over which. Knows no other kind.
import { formatAccuracy } from "../report/format.ts";
import { defineTrial, type Trial } from "../trial/define.ts";
import type { TrialInput } from "../trial/input.ts";
import { onData, prepareTrial, takesData, usualData } from "../trial/prepare.ts";
import { trialSections } from "../trial/report.ts";
import type { TrialResult } from "../trial/result.ts";
import { requireTrialFolder, runTrial } from "../trial/trial.ts";
import { noteLines, pairLine, pairText } from "../trial/words.ts";
import type {
  Claim,
  ClaimStudy,
  ClaimStudyOptions,
  ClaimText,
  PreparedStudy,
  Scale,
  Studied,
  StudyCost,
} from "./claim.ts";
import { type Expectation, judgeClaim } from "./judge.ts";

/** A claim about arms. */
export interface TrialClaim extends ClaimText {
  readonly expectations: readonly Expectation[];
  /** What is shown before the study's own. */
  readonly sections?: (result: TrialResult) => Studied["sections"];
  readonly studies: Readonly<
    Record<Scale, readonly { readonly label: string; readonly input: TrialInput }[]>
  >;
}

/** The claim with studies that can be run. */
export function trialClaim({ expectations, sections, studies, ...text }: TrialClaim): Claim {
  const conclude = (result: TrialResult): TrialConclusion => ({
    verdict: judgeClaim({ expectations }, result),
    sections: sections?.(result),
  });
  const of = (scale: Scale) =>
    studies[scale].map(({ label, input }) =>
      trialStudy({ label, input: { name: text.name, ...input }, conclude }),
    );
  return { ...text, studies: { small: of("small"), full: of("full") } };
}

/** What a study says of a claim, beside what every study says. */
export interface TrialConclusion extends Pick<Studied, "verdict"> {
  /** In place of the arms and their pairs. */
  readonly lines?: Studied["lines"];
  readonly verdicts?: Studied["verdicts"];
  /** Before the study's own. */
  readonly sections?: Studied["sections"] | undefined;
  /** Beside the study's result. */
  readonly result?: object;
}

/** A study of trained models, and what its result means. */
export interface TrialStudyInput {
  readonly label: string;
  readonly input: TrialInput & { readonly name: string };
  readonly conclude: (result: TrialResult, trial: Trial) => TrialConclusion | Promise<TrialConclusion>;
}

/** The study as a claim has it. */
export function trialStudy({ label, input, conclude }: TrialStudyInput): ClaimStudy {
  return {
    ...{ label, name: input.name },
    takes: (data, dataFolder) => takesData(input, data, dataFolder),
    cost: () => trialCost(input),
    prepare: (options) => prepare(input, conclude, options),
  };
}

/** What the result of a study says. */
export function studiedTrial(result: TrialResult, concluded: TrialConclusion): Studied {
  const { arms, pairs, finished, spent } = result;
  const notes = noteLines(result);
  const [first, ...others] = trialSections(result);
  return {
    ...{ verdict: concluded.verdict, finished, runs: spent.runs, notes },
    lines: concluded.lines ?? [
      ...arms.map(({ name, test, accuracy, rate }) => {
        const right = accuracy === null ? "" : `accuracy ${formatAccuracy(accuracy.share)}, `;
        return test === null
          ? `${name}: no result`
          : `${name}: ${right}loss ${test.loss.toFixed(4)} at rate ${rate}`;
      }),
      ...pairs.map(pairLine),
    ],
    verdicts: concluded.verdicts ?? pairs.map((pair) => ({ outcome: pair.verdict, text: pairText(pair) })),
    sections: [
      ...(concluded.sections ?? []),
      {
        ...first!,
        parts: [...notes.slice(1).map((text) => ({ kind: "text", text }) as const), ...first!.parts],
      },
      ...others,
    ],
    result: { ...result, ...concluded.result },
  };
}

/** Runs at most, where the first seed tells the rates apart. */
export function trialCost(input: TrialInput): StudyCost {
  const { runs, settings } = defineTrial(input, { data: usualData(input) });
  const all =
    settings.stop === "full"
      ? runs.flat(2)
      : // One rate has all seeds, the others the first.
        runs.flatMap((rates) => rates.flatMap((seeds, rate) => (rate === 0 ? seeds : seeds.slice(0, 1))));
  return { runs: all.length, flops: all.reduce((sum, { flops }) => sum + flops, 0) };
}

/** The study on the data and with the seeds that were asked for. */
export function askedOf(
  input: TrialInput,
  { data, seed, seeds }: Pick<ClaimStudyOptions, "data" | "seed" | "seeds">,
): TrialInput {
  return {
    ...(data === undefined ? input : onData(input, data)),
    ...(seed === undefined ? {} : { firstSeed: seed }),
    ...(seeds === undefined ? {} : { seeds }),
  };
}

async function prepare(
  input: TrialInput,
  conclude: TrialStudyInput["conclude"],
  options: ClaimStudyOptions,
): Promise<PreparedStudy> {
  const { folder, threads, signal, worker, command } = options;
  const trial = await preparedTrial(askedOf(input, options), folder, options);
  return async function* () {
    for await (const event of runTrial({ trial, folder, threads, signal, worker, command })) {
      if (event.kind === "study") {
        yield event;
        continue;
      }
      const { reason, result } = event;
      yield { kind: "end", reason, studied: studiedTrial(result, await conclude(result, trial)) };
    }
  };
}

/** Errors: RequestError for all that `runTrial` would be refused, too. */
export async function preparedTrial(
  input: TrialInput,
  folder: string,
  { dataFolder, backend, processes }: Pick<ClaimStudyOptions, "dataFolder" | "backend" | "processes">,
): Promise<Trial> {
  const { trial } = await prepareTrial({ input, folder, dataFolder, backend, processes });
  requireTrialFolder(folder, trial);
  return trial;
}
