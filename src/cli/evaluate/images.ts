// What `scantling evaluate` does for a run on images: scores its test images and prints the figures.

import { dataFolders } from "../../data/named/folders.ts";
import { RequestError } from "../../errors.ts";
import { formatAccuracy } from "../../report/format.ts";
import { evaluateImages, type ImageEvaluation } from "../../train/evaluateImages.ts";
import type { Measure } from "../../train/interval.ts";
import { type Console, warn } from "../console.ts";
import { openMachine } from "../machine.ts";
import { createStatus } from "../status.ts";
import type { EvaluateOptions } from "./command.ts";

/** Errors: RequestError for options that only text has. */
export function refuseTextOptions(folder: string, options: EvaluateOptions): void {
  const key = (["data", "stride", "limit"] as const).find((each) => options[each] !== undefined);
  if (key === undefined) return;
  throw new RequestError(
    `--${key} is for text; ${folder} was trained on images and is judged by their test part: leave it out`,
  );
}

/** Lines for people and the same as JSON; null where it was interrupted before anything was scored. */
export async function evaluateOnImages(
  folder: string,
  options: EvaluateOptions,
  console: Console,
): Promise<{ lines: string[]; json: string } | null> {
  const { machine } = await openMachine(options, console);
  const status = createStatus(console);
  let result: ImageEvaluation | null = null;
  try {
    const events = evaluateImages({
      ...{ machine, folder, checkpoint: options.checkpoint, batch: options.batch, signal: console.signal },
      dataFolder: dataFolders(console.environment),
      onDamaged: (line) => warn(console, line),
    });
    for await (const event of events) {
      switch (event.kind) {
        case "start":
          status.line(`model      ${event.run}, step ${event.step}`);
          status.line(`data       ${event.data}: ${event.images} test images`);
          break;
        case "progress":
          status.share(
            event.images / event.of,
            `${event.images} of ${event.of} images  accuracy ${formatAccuracy(event.accuracy)}`,
          );
          break;
        case "end":
          result = event.result;
      }
    }
  } finally {
    status.end();
    machine.dispose();
  }
  if (result === null) return null;
  const json = `${JSON.stringify({ ...result, backend: machine.name, threads: machine.threads })}\n`;
  return { lines: resultLines(result), json };
}

function resultLines({ accuracy, loss, classes, images, complete, level }: ImageEvaluation): string[] {
  const range = ({ low, high }: Measure, show: (x: number) => string) =>
    low === null || high === null ? "" : `  (${show(low)} to ${show(high)})`;
  const fixed = (x: number) => x.toFixed(4);
  const worst = classes
    .filter((each) => each.images > 0)
    .sort((a, b) => a.right / a.images - b.right / b.images)[0]!;
  return [
    `accuracy    ${formatAccuracy(accuracy.value)}${range(accuracy, formatAccuracy)}`,
    `loss        ${fixed(loss.value)} nats/image${range(loss, fixed)}`,
    `worst class ${worst.name}: ${worst.right} of ${worst.images}`,
    `${100 * level} % intervals for other images of this kind: Student's t over ${images} images`,
    ...(complete ? [] : [`of the first ${images} images only`]),
  ];
}
