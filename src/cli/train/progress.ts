// The progress of a run: one line drawn over and over on a terminal, plain lines elsewhere. Knows events, not files.

import { describeSize } from "../../data/images/images.ts";
import {
  formatAccuracy,
  formatBytes,
  formatCount,
  formatDuration,
  formatLoss,
  formatShare,
} from "../../report/format.ts";
import type { EvaluationEvent, GrownEvent, StartEvent, StepEvent } from "../../train/events.ts";
import { isImages, type RunConfiguration } from "../../train/runFolder.ts";
import type { Console } from "../console.ts";
import { createStatusLine } from "../statusLine.ts";

export interface Progress {
  start(event: StartEvent): void;
  step(event: StepEvent): void;
  evaluation(event: EvaluationEvent): void;
  growth(event: GrownEvent): void;
  /** A line of its own, such as why the run stops. */
  line(text: string): void;
  /** Leaves the last line where it stands. */
  end(): void;
}

const plainLines = 20;

/** Writes to standard error. @param clock milliseconds, of any origin */
export function createProgress(console: Console, clock?: () => number): Progress {
  const { line, draw, end } = createStatusLine(console, clock);
  let optimum: number | null = null;
  return {
    start(event) {
      optimum = event.optimum?.value ?? null;
      startLines(event).forEach(line);
    },
    step(event) {
      const isLast = event.step === event.steps;
      if (console.interactive) {
        draw(stepText(event), isLast);
      } else if (isLast || event.step === 1 || event.step % Math.ceil(event.steps / plainLines) === 0) {
        line(stepText(event));
      }
    },
    evaluation(event) {
      const above = optimum === null ? "" : `, ${formatLoss(event.loss - optimum)} above the lowest possible`;
      const { accuracy } = event.statistics;
      const told = accuracy === undefined ? "" : `, accuracy ${formatAccuracy(accuracy)}`;
      line(
        `step ${event.step}  validation ${formatLoss(event.loss)}${above}${told}${event.isBest ? "" : " (not the best)"}`,
      );
    },
    growth({ step, parameters, loss, proof, over }) {
      const [before, after] = [parameters.before, parameters.after].map(formatCount);
      line(
        `step ${step}  grown from ${before} to ${after} parameters: validation ${formatLoss(loss.before)}, then ` +
          `${formatLoss(loss.after)}; largest |Δ logit| ${proof.largest.toPrecision(3)} of ${proof.scale.toPrecision(3)}` +
          (over === null ? "" : `; masks rise until step ${step + over.steps}`),
      );
    },
    line,
    end,
  };
}

function startLines(event: StartEvent): string[] {
  const { configuration, architecture, count, folder, backend, threads, memory, optimum, step } = event;
  const { data, training } = configuration;
  const tokens = training.steps * training.batch * architecture.length;
  const lines = [
    `data       ${dataText(configuration)}`,
    `model      ${formatCount(count.parameters.total)} parameters, width ${architecture.width}, ` +
      `${architecture.repeat} x ${architecture.stripe.map(({ primitive }) => primitive).join(" + ")}, ` +
      `length ${architecture.length}`,
    `training   ${training.steps} steps of ${training.batch} ` +
      (isImages(data)
        ? `images, ${((training.steps * training.batch) / data.trainingImages).toFixed(1)} epochs`
        : `sequences, ${formatCount(tokens)} tokens`),
    `machine    ${backend}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    ...(memory === null ? [] : [`memory     ${formatBytes(memory.peakBytes)} predicted`]),
    `folder     ${folder}`,
  ];
  if (optimum !== null) {
    lines.push(
      `optimum    ${formatLoss(optimum.value)} nat a token: no predictor can be better on this validation text`,
    );
  }
  if (step > 0) lines.push(`resumed    after step ${step}`);
  if (event.notBitwise !== null) lines.push(`note       last bits may differ: ${event.notBitwise}`);
  return [...lines, ...event.notes.map((note) => `note       ${note}`)];
}

function dataText({ data, architecture }: RunConfiguration): string {
  if (isImages(data)) {
    const { trainingImages, validationImages, testImages, classes, patch } = data;
    return (
      `${data.name}: ${trainingImages} training, ${validationImages} validation and ${testImages} test images, ` +
      `${describeSize(data)}, ${classes.length} classes, patches of ${patch} x ${patch}`
    );
  }
  return (
    `${data.name}: ${formatCount(data.trainingTokens)} training and ` +
    `${formatCount(data.validationTokens)} validation tokens, ${architecture.vocabulary} different ones`
  );
}

function stepText(event: StepEvent): string {
  const { step, steps, loss, tokensPerSecond, imagesPerSecond, shareOfPeak, secondsLeft } = event;
  const speed =
    imagesPerSecond === undefined
      ? `${formatCount(tokensPerSecond)} tokens/s`
      : `${formatCount(imagesPerSecond)} images/s`;

  const parts = [
    `step ${String(step).padStart(String(steps).length)}/${steps}`,
    `loss ${formatLoss(loss)}`,
    ...(tokensPerSecond > 0 ? [speed] : []),
    ...(shareOfPeak !== null && shareOfPeak > 0 ? [`${formatShare(shareOfPeak)} of peak`] : []),
    ...(secondsLeft === null ? [] : [`${formatDuration(secondsLeft)} left`]),
  ];
  return parts.join("  ");
}
