// A study in lines of plain text: what would be run, and what came out.

import { formatAccuracy, formatBytes, formatCount, formatDuration } from "../../report/format.ts";
import { decidedBy } from "../../trial/armResult.ts";
import type { TrialCost } from "../../trial/cost.ts";
import type { Trial } from "../../trial/define.ts";
import type { TrialResult } from "../../trial/result.ts";
import { flipLines, noteLines, pairLine } from "../../trial/words.ts";

const between = ([least, most]: readonly [number, number], write: (value: number) => string): string =>
  least === most ? write(most) : `${write(least)} to ${write(most)}`;

/** What would be run, an arm a line. @param free bytes that the system has for it */
export function costLines(
  { settings, data, seeds, arms: defined, processes, notes }: Trial,
  cost: TrialCost,
  free: number,
): string[] {
  const { arms, runs, allRuns, flops, seconds, peakBytes } = cost;
  const epochs = Math.max(...arms.map(({ tokens }) => tokens)) / data.trainingTokens;
  const width = Math.max(3, ...arms.map(({ name }) => name.length));
  const head = ["parameters", "updates", "tokens", "FLOPs", "time", "memory", "runs"];
  return [
    `${settings.name}: ${data.name}, ${epochs.toFixed(epochs < 10 ? 2 : 0)} epochs at most, ${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}, ${settings.stop === "race" ? "raced" : "all rates and seeds"}, ` +
      `${processes} at a time`,
    ...equalLines(settings),
    `${"arm".padEnd(width)}  ${head.map((word) => word.padStart(11)).join("")}`,
    ...arms.map((arm, place) => {
      const cells = [
        defined[place]!.parameters[settings.equal.convention].toLocaleString("en-US"),
        arm.steps.toLocaleString("en-US"),
        formatCount(arm.tokens),
        arm.flops.toExponential(2),
        formatDuration(arm.seconds),
        arm.peakBytes === null ? "–" : formatBytes(arm.peakBytes),
        between(arm.runs, String),
      ];
      return `${arm.name.padEnd(width)}  ${cells.map((cell) => cell.padStart(11)).join("")}`;
    }),
    ...(seeds.length === 1 ? ["one seed decides nothing: give two or more with --seeds"] : []),
    `all: ${between(runs, String)} runs${runs[1] < allRuns ? ` (up to ${allRuns} where rates come near each other)` : ""}, ${between(flops, (value) => value.toExponential(2))} training FLOPs, about ` +
      `${between(seconds, formatDuration)}${peakBytes === null ? "" : `, ${formatBytes(peakBytes)} of memory`}`,
    ...(peakBytes !== null && peakBytes > free
      ? [
          `more memory than the ${formatBytes(free)} that are free: the system may end runs; give fewer --processes, or smaller arms or batches`,
        ]
      : []),
    ...notes,
  ];
}

/** What arms are held to, beside what each is trained on. */
function equalLines({ equal: { isHeld, convention, state, tolerance } }: Trial["settings"]): string[] {
  const held = [...(isHeld ? [`parameters (${convention})`] : []), ...(state ? ["state of decoding"] : [])];
  return held.length === 0
    ? []
    : [`equal ${held.join(" and ")}, within ${Number((100 * tolerance).toPrecision(3))} %`];
}

/** Arms, best first, verdicts, and what to know of them. */
export function resultLines(result: TrialResult, notes: readonly string[] = []): string[] {
  const { arms, pairs, measure } = result;
  const width = Math.max(...arms.map(({ name }) => name.length));
  const sorted = [...arms].sort((a, b) => decidedBy(a, measure) - decidedBy(b, measure));
  return [
    ...noteLines(result),
    ...notes,
    "",
    ...sorted.map(({ name, test, accuracy, rate, parameters, tokensPerSecond }) => {
      const range = test?.interval ? ` [${test.interval.map((end) => end.toFixed(4)).join(", ")}]` : "";
      const speed = tokensPerSecond === null ? "" : `, ${formatCount(tokensPerSecond)} tokens/s`;
      const right = accuracy === null ? "" : `accuracy ${formatAccuracy(accuracy.share)}, `;
      const loss =
        test === null ? "no result" : `${right}loss ${test.loss.toFixed(4)}${range} at rate ${rate}`;
      return `${name.padEnd(width)}  ${loss}, ${formatCount(parameters.total)} parameters${speed}`;
    }),
    "",
    ...pairs.map(pairLine),
    ...flipLines(result),
    ...result.failures.map(({ run, reason }) => `failed: ${run}: ${reason}`),
  ];
}

/** What to do next with a study whose data are built in; nothing where they are the user's own. */
export function nextLines({ builtIn, measure }: TrialResult, file: string): string[] {
  if (builtIn === null) return [];
  const path = /[^\w./-]/.test(file) ? JSON.stringify(file) : file;
  const [what, data] = measure === "error" ? ["images", "photos"] : ["text", "book.txt"];
  return [
    `next, on your own ${what}: npx scantling study ${path} --data ${data} --out runs/mine`,
    `or edit ${file}: arms, what is held equal, rates, seeds (docs/studies.md)`,
  ];
}
