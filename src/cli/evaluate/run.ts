// What `scantling evaluate` does: scores a text by the model of a run and prints the figures with their intervals.

import { dataFolders } from "../../data/named/folders.ts";
import { formatCount, formatLoss } from "../../report/format.ts";
import { evaluateRun, type RunEvaluation, type RunEvaluationEvent } from "../../train/evaluateRun.ts";
import type { Measure } from "../../train/interval.ts";
import { isImages, readConfiguration } from "../../train/runFolder.ts";
import { type Console, warn } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { openMachine } from "../machine.ts";
import { prepareOutput } from "../output.ts";
import { createStatus, type Status } from "../status.ts";
import type { EvaluateOptions } from "./command.ts";
import { evaluateOnImages, refuseTextOptions } from "./images.ts";

/** @returns the exit code */
export async function evaluate(folder: string, options: EvaluateOptions, console: Console): Promise<number> {
  const save = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  // Finds what is wrong with the request before kernels are compiled.
  if (isImages(readConfiguration(folder).data)) {
    refuseTextOptions(folder, options);
    const figures = await evaluateOnImages(folder, options, console);
    if (figures !== null) save?.(figures.json);
    if (figures !== null) console.out(options.json ? figures.json : `${figures.lines.join("\n")}\n`);
    return exitCode(console);
  }
  const { machine } = await openMachine(options, console);
  const status = createStatus(console);
  let result: RunEvaluation | null = null;
  try {
    const { data, checkpoint, stride, batch, limit } = options;
    const events = evaluateRun({
      ...{ machine, folder, data, checkpoint, stride, batch, limit, signal: console.signal },
      dataFolder: dataFolders(console.environment),
      onDamaged: (line) => warn(console, line),
    });
    for await (const event of events) {
      if (event.kind === "end") result = event.result;
      else tell(event, status);
    }
  } finally {
    status.end();
    machine.dispose();
  }
  if (result !== null) {
    const json = `${JSON.stringify({ ...result, backend: machine.name, threads: machine.threads })}\n`;
    save?.(json);
    console.out(options.json ? json : `${resultLines(result).join("\n")}\n`);
  }
  return exitCode(console);
}

function exitCode(console: Console): number {
  if (!console.signal.aborted) return 0;
  console.err("interrupted\n");
  return interruptedCode;
}

function tell(event: Exclude<RunEvaluationEvent, { kind: "end" }>, status: Status): void {
  if (event.kind === "start") {
    const { run, step, data, part, tokens, length, stride } = event;
    status.line(`model      ${run}, step ${step}`);
    status.line(
      `data       ${data}${part === "validation" ? ", validation part" : ""}: ${formatCount(tokens)} tokens to score`,
    );
    status.line(`windows    length ${length}, stride ${stride}`);
    for (const note of event.notes) status.line(`note       ${note}`);
    return;
  }
  const { tokens, of, loss } = event;
  status.share(tokens / of, `${formatCount(tokens)} of ${formatCount(of)} tokens  loss ${formatLoss(loss)}`);
}

function resultLines(result: RunEvaluation): string[] {
  const { loss, perplexity, bitsPerByte, accuracy, interval, optimum } = result;
  const row = (name: string, unit: string, measure: Measure, digits: number, scale = 1) => {
    const show = (x: number) => (scale * x).toFixed(digits);
    const range =
      measure.low === null || measure.high === null
        ? ""
        : `  (${show(measure.low)} to ${show(measure.high)})`;
    return `${name.padEnd(11)} ${show(measure.value)}${unit}${range}`;
  };
  const { items, tokensPerItem, level } = interval;
  return [
    row("loss", " nats/token", loss, 4),
    row("perplexity", "", perplexity, 3),
    row("bits/byte", result.bytesExact ? "" : " (bytes shared out by decoded lengths)", bitsPerByte, 4),
    row("accuracy", " %", accuracy, 2, 100),
    ...(optimum === null
      ? []
      : [`optimum     ${formatLoss(optimum.value)} nats/token: no predictor is better on this text`]),
    items < 2
      ? "no interval: the text fills one window only"
      : `${100 * level} % intervals for other text of this kind: Student's t over ${items} blocks of about ` +
        `${formatCount(tokensPerItem)} tokens`,
    ...(result.complete ? [] : [`of the first ${formatCount(result.tokens)} tokens only`]),
  ];
}
