// Studies of two halves: architectures on synthetic tasks, and the same architectures on text; then whether both rank them
// alike. Knows no claim.
import { join } from "node:path";
import { type MadEndEvent, mad, requireMadFolder } from "../mad/mad.ts";
import { mixerArchitecture } from "../mad/mixers.ts";
import type { Profile } from "../mad/profile.ts";
import { requireProfile } from "../mad/profiles/profiles.ts";
import { madReport } from "../mad/report.ts";
import { defineComparison } from "../mad/request.ts";
import type { MadResult } from "../mad/result.ts";
import { seedsRun, seedsText } from "../mad/words.ts";
import type { ReportPart } from "../report/document.ts";
import { moreSeedsLine } from "../study/moreSeeds.ts";
import { type Correlation, type Correlations, correlate } from "../study/statistics/correlation.ts";
import type { TrialInput } from "../trial/input.ts";
import { takesData } from "../trial/prepare.ts";
import type { TrialResult } from "../trial/result.ts";
import { runTrial } from "../trial/trial.ts";
import type { ClaimStudy, ClaimStudyOptions, PreparedStudy, Studied } from "./claim.ts";
import { askedOf, preparedTrial, studiedTrial, type TrialConclusion, trialCost } from "./trialStudy.ts";
import { type Judged, verdictOf } from "./verdict.ts";

/** Architectures, how they are scored, and how they learn text. */
export interface MadStudyInput {
  readonly label: string;
  readonly name: string;
  /** Short names of `scantling mad`. */
  readonly architectures: readonly string[];
  /** A name, or a profile of one's own; its sizes are those of the models that learn text. */
  readonly profile: string | Profile;
  /** Of the tasks. */
  readonly seeds: number;
  readonly language: Omit<TrialInput, "arms" | "family" | "name">;
}

export function madStudy(input: MadStudyInput): ClaimStudy {
  const language = languageOf(input);
  return {
    ...{ label: input.label, name: input.name },
    takes: (data, dataFolder) => takesData(language, data, dataFolder),
    cost: () => {
      const { cost, priced } = defineComparison(comparisonOf(input));
      const own = trialCost(language);
      return { runs: cost.runs + own.runs, flops: (priced?.budget ?? cost.flops) + own.flops };
    },
    prepare: (options) => prepare(input, language, options),
  };
}

function comparisonOf({ architectures, profile, seeds }: MadStudyInput) {
  return { architectures, profile, seeds };
}

/** The architectures as arms, in the sizes of the profile. */
function languageOf({ architectures, profile, language }: MadStudyInput): TrialInput {
  const { sizes } = typeof profile === "string" ? requireProfile(profile) : profile;
  const arms = architectures.map((name) => [name, { architecture: { ...mixerArchitecture(name, sizes)! } }]);
  return { ...language, name: "language", arms: Object.fromEntries(arms) };
}

async function prepare(
  input: MadStudyInput,
  language: TrialInput,
  options: ClaimStudyOptions,
): Promise<PreparedStudy> {
  const { folder, seed, backend, processes, threads, signal, worker, command } = options;
  const own = join(folder, "language");
  const trial = await preparedTrial(askedOf(language, options), own, options);
  const shared = { threads, signal, command };
  const tasks = {
    ...{ ...comparisonOf(input), ...shared, firstSeed: seed, backend, processes },
    ...(options.seeds === undefined ? {} : { seeds: options.seeds }),
    folder: join(folder, "tasks"),
  };
  requireMadFolder(tasks.folder, tasks);
  return async function* () {
    let ended: MadEndEvent | undefined;
    for await (const event of mad(tasks)) {
      if (event.kind === "study") yield event;
      if (event.kind === "end") ended = event;
    }
    const { result: scored, reason: why, earlierSeeds } = ended!;
    // The other half is then left as it is; what it has is told.
    const stopped = why === "interrupted" ? AbortSignal.abort() : signal;
    for await (const event of runTrial({ trial, folder: own, ...shared, worker, signal: stopped })) {
      if (event.kind === "study") {
        yield event;
        continue;
      }
      const { reason, result } = event;
      const { sections } = madReport({ result: scored, associations: null, command, hash: "" });
      const studied = studiedTrial(result, concludeMad(scored, result, sections));
      const notes = [...new Set([...studied.notes, ...moreSeedsLine(earlierSeeds)])];
      yield { kind: "end", reason, studied: { ...studied, notes, runs: studied.runs + scored.spent.runs } };
    }
  };
}

/** An architecture in both halves. */
interface Ranked {
  readonly name: string;
  /** Mean over tasks. */
  readonly score: number;
  readonly loss: number;
}

/** @param tasks what is to be told of the synthetic tasks */
export function concludeMad(
  scored: MadResult,
  result: TrialResult,
  tasks: Studied["sections"],
): TrialConclusion {
  const ranked = scored.architectures.flatMap(({ name, mean }): Ranked[] => {
    const loss = result.arms.find((arm) => arm.name === name)?.test?.loss;
    return mean.score === null || loss === undefined ? [] : [{ name, score: mean.score, loss }];
  });
  const found = correlate(
    ranked.map(({ score }) => score),
    ranked.map(({ loss }) => loss),
  );
  const named: Pick<Studied, "lines" | "sections"> = {
    lines: [
      ...ranked.map(
        ({ name, score, loss }) => `${name}: score ${(100 * score).toFixed(1)} %, loss ${loss.toFixed(4)}`,
      ),
      `Spearman ${coefficientText(found.spearman)}, Kendall ${coefficientText(found.kendall)}, Pearson ${coefficientText(found.pearson)}`,
    ],
    sections: [
      { heading: "Synthetic score against loss on text", parts: partsOf(ranked, found, scored, result) },
      ...tasks.map(({ heading, parts }) => ({ heading: `Synthetic tasks: ${heading}`, parts })),
    ],
  };
  return {
    ...named,
    verdict: verdictOf([judgeRanks(found)]),
    verdicts: [],
    result: { mad: scored, correlations: found },
  };
}

function partsOf(
  ranked: readonly Ranked[],
  { pearson, spearman, kendall }: Correlations,
  scored: MadResult,
  result: TrialResult,
): ReportPart[] {
  const row = (name: string, { value, low, high, pValue }: Correlation) => [
    name,
    value === null
      ? null
      : { value, interval: low === null || high === null ? undefined : ([low, high] as const) },
    pValue,
  ];
  return [
    {
      ...{ kind: "figure", title: "Loss on text against synthetic score" },
      description: "Test loss on text of every architecture over its mean score on the synthetic tasks.",
      data: `${result.data}, test; ${scored.tasks.join(", ")}`,
      seeds: seedsOf(ranked, scored, result),
      convention: "equal training FLOPs on text, each at the best of its rates",
      chart: {
        kind: "scatter",
        x: { label: "mean score", unit: "share", scale: "linear" },
        y: { label: "loss", unit: "nat", scale: "linear" },
        points: ranked.map(({ name, score, loss }) => ({ label: name, x: score, y: loss })),
        regression: true,
      },
    },
    {
      ...{ kind: "table", title: "Correlation" },
      note: "Of score and loss; 95 % intervals with architectures as the sample, seeds' noise left in.",
      columns: [{ heading: "coefficient" }, { heading: "value" }, { heading: "p" }],
      rows: [row("Spearman", spearman), row("Kendall", kendall), row("Pearson", pearson)],
    },
  ];
}

/** Those that were run, in both halves: a race may have stopped before the last that was asked for, or a run have failed. */
function seedsOf(ranked: readonly Ranked[], scored: MadResult, { arms, seeds }: TrialResult): string {
  const names = new Set(ranked.map(({ name }) => name));
  const onText = arms
    .filter(({ name }) => names.has(name))
    .map(({ name, tests }) => [name, seeds.filter((_, place) => (tests[place] ?? null) !== null)] as const);
  const onTasks = seedsRun(scored).filter(([name]) => names.has(name));
  return `text: ${seedsText(onText)}; tasks: ${seedsText(onTasks)}`;
}

function coefficientText({ value, low, high }: Correlation): string {
  if (value === null) return "none";
  return `${value.toFixed(3)}${low === null || high === null ? "" : ` [${low.toFixed(3)}, ${high.toFixed(3)}]`}`;
}

/** A correlation that is surely weaker than this says little of an architecture. */
const STRONG = -0.5;

/** Whether a higher score surely goes with a lower loss, by Spearman's coefficient. */
function judgeRanks({ pairs, spearman }: Correlations): Judged {
  const { value, low, high } = spearman;
  const least = decidableRank(pairs);
  return {
    text: "architectures with a higher synthetic score have a lower loss on text",
    judgement:
      value === null || low === null || high === null
        ? "not decidable at this scale"
        : high < 0
          ? "supported"
          : low > STRONG
            ? "not supported"
            : "not decidable at this scale",
    reason: `${pairs} architectures, rank correlation ${coefficientText(spearman)}`,
    decidable: least === null ? null : { value: least, unit: "of Spearman's coefficient from 0" },
  };
}

/** The smallest coefficient whose interval leaves out 0 (Bonett and Wright 2000); null of fewer than four pairs. */
function decidableRank(pairs: number): number | null {
  if (pairs < 4) return null;
  const isSeen = (r: number) => Math.atanh(r) > 1.96 * Math.sqrt((1 + r ** 2 / 2) / (pairs - 3));
  let [low, high] = [0, 1];
  for (let pass = 0; pass < 40; pass++) {
    const middle = (low + high) / 2;
    if (isSeen(middle)) high = middle;
    else low = middle;
  }
  return high;
}
