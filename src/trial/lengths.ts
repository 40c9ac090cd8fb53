// How long each arm of a study is trained: updates, tokens and FLOPs, network by network. Trains nothing.
import type { Count } from "../architecture/count.ts";
import { RequestError } from "../errors.ts";
import type { GrowthEventInput } from "../train/growthEvents.ts";
import type { Arm } from "./arms.ts";
import { updatesOf } from "./growing.ts";
import type { TrialSettings } from "./input.ts";
import type { TrialData } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";

/** One network of an arm, in training. */
export interface TrialStage {
  readonly steps: number;
  readonly flopsPerToken: Count["flopsPerToken"];
}

/** An arm and how long each of its runs is trained. */
export interface TrialArm extends Arm {
  readonly steps: number;
  /** Updates that `train` gives, before they are made whole. */
  readonly exactSteps: number;
  readonly tokens: number;
  /** Training FLOPs of a run, as they are computed. */
  readonly flops: number;
  /** One, where its network does not grow. */
  readonly stages: readonly TrialStage[];
  /** As a run is given them. */
  readonly grow: readonly GrowthEventInput[];
}

/** Sizes that the data or the study have decided. */
export interface Sizes {
  /** Tokens of a sequence. */
  readonly length: number;
  readonly data: TrialData;
}

/** Errors: RequestError where that is too short to be training. */
export function withLength(
  arm: Arm,
  settings: TrialSettings,
  { length, data }: Sizes,
  secondsPerStep: number | undefined,
): TrialArm {
  const tokensPerStep = settings.batch * length;
  const { total, amountOf } = equalOf(settings.train, tokensPerStep, data, secondsPerStep);
  const prices = arm.networks.map(({ count }) => ({
    amount: amountOf(count),
    flops: count.flopsPerToken.training * tokensPerStep,
  }));
  const moments = arm.growth.map(({ at }) => at);
  const updates = updatesOf(prices, moments, { total, tokensPerStep });
  const early = updates.findIndex((due, place) => place < moments.length && !(due >= 1));
  if (early >= 0) {
    throw new RequestError(
      `study: ${arm.name}: training: grow[${early}].at is ${JSON.stringify(moments[early])}, before any update ` +
        `${early === 0 ? "" : "since the growth before it "}is made; raise it`,
    );
  }
  const exact = updates.reduce((sum, one) => sum + one, 0);
  const steps = Math.round(exact);
  const warmup: unknown = { ...settings.training.schedule, ...arm.training.schedule }.warmup;
  const least = Math.max(2, typeof warmup === "number" ? warmup + 1 : 0);
  if (steps < least) {
    throw new RequestError(
      `study: train gives ${JSON.stringify(arm.name)} ${exact.toPrecision(3)} updates of ${tokensPerStep} ${subjectOf(settings).words.tokens}; ` +
        `expected at least ${least}: raise it, or lower batch or length`,
    );
  }
  const tokens = steps * tokensPerStep;
  const whole = [...updates.slice(0, -1), Math.round(updates.at(-1)!)];
  const stages = arm.networks.map(({ count: { flopsPerToken } }, place) => ({
    steps: whole[place]!,
    flopsPerToken,
  }));
  const flops = stages.reduce(
    (sum, stage) => sum + stage.flopsPerToken.training * stage.steps * tokensPerStep,
    0,
  );
  let done = 0;
  const grow = arm.growth.map((event, place) => {
    done += whole[place]!;
    return { ...event, at: { step: done } };
  });
  return { ...arm, steps, exactSteps: exact, tokens, flops, stages, grow };
}

/** How much of what is held equal a run has, and how much of it an update of a network takes. */
function equalOf(
  train: TrialSettings["train"],
  tokensPerStep: number,
  { trainingTokens }: TrialData,
  secondsPerStep: number | undefined,
): { total: number; amountOf: (count: Count) => number } {
  if (train.steps !== undefined) return { total: train.steps, amountOf: () => 1 };
  if (train.tokens !== undefined) return { total: train.tokens / tokensPerStep, amountOf: () => 1 };
  if (train.epochs !== undefined) {
    return { total: (train.epochs * trainingTokens) / tokensPerStep, amountOf: () => 1 };
  }
  if (train.flops !== undefined) {
    const convention = train.convention ?? "training";
    return {
      total: train.flops,
      amountOf: ({ flopsPerToken }) => flopsPerToken[convention] * tokensPerStep,
    };
  }
  if (secondsPerStep === undefined) {
    throw new RequestError("study: train.seconds needs the speed of each arm, which is not measured here");
  }
  return { total: train.seconds!, amountOf: () => secondsPerStep };
}

/** Errors: RequestError for more epochs than anybody has asked for. */
export function requireData(
  arms: readonly TrialArm[],
  settings: TrialSettings,
  { name, trainingTokens }: TrialData,
): void {
  const { train, training } = settings;
  const { mostEpochs, words } = subjectOf(settings);
  const most = arms.reduce((a, b) => (b.tokens > a.tokens ? b : a));
  const epochs = most.tokens / trainingTokens;
  if (train.epochs !== undefined || training.order === "epochs" || epochs <= mostEpochs) return;
  throw new RequestError(
    `study: ${most.name} is trained on ${exact(most.tokens, 0)} ${words.tokens} and ${name} has ` +
      `${exact(trainingTokens, 0)}, ${exact(epochs, 1)} epochs; expected at most ${mostEpochs}: give more ` +
      "data, train less, or ask for it with train: { epochs: … }",
  );
}

/** To the digit, unless nobody would read them all. */
function exact(value: number, digits: number): string {
  if (value >= 1e15) return value.toExponential(1);
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
