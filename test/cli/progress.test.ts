import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createProgress } from "../../src/cli/train/progress.ts";
import type { EvaluationEvent, StepEvent } from "../../src/train/events.ts";

const step = (number: number, steps = 200): StepEvent => ({
  kind: "step",
  step: number,
  steps,
  loss: 1.5,
  gradientNorm: 1,
  rate: 1e-3,
  flops: 6e6,
  tokens: 4096 * number,
  tokensPerSecond: 61_234,
  shareOfPeak: 0.437,
  secondsLeft: 65,
});
const evaluation: EvaluationEvent = {
  kind: "evaluation",
  step: 10,
  loss: 1.25,
  isBest: true,
  statistics: {},
};

/** A terminal that shows what is on its last line. */
function terminal(interactive: boolean, columns = 100) {
  let written = "";
  const console = {
    out: () => {},
    err: (text: string) => {
      written += text;
    },
    interactive,
    columns: () => columns,
    environment: {},
    input: Readable.from([]),
    unread: () => false,
    signal: new AbortController().signal,
  };
  const lines = () =>
    written.split("\n").map((line) => {
      const shown: string[] = [];
      for (const part of line.split("\r")) shown.splice(0, part.length, ...part);
      return shown.join("").trimEnd();
    });
  return { console, lines, raw: () => written };
}

describe("on a terminal", () => {
  it("draws one line over and over, not more often than ten times a second", () => {
    const { console, lines, raw } = terminal(true);
    let now = 0;
    const progress = createProgress(console, () => now);
    progress.step(step(1));
    now = 50;
    progress.step(step(2));
    expect(lines()).toEqual(["step   1/200  loss 1.5000  61.2k tokens/s  44 % of peak  1 min 05 s left"]);
    now = 100;
    progress.step(step(3));
    expect(lines()[0]).toMatch(/^step {3}3\/200/);
    expect(raw()).not.toContain("\n");
  });

  it("always draws the last step, and keeps evaluations", () => {
    const { console, lines } = terminal(true);
    const progress = createProgress(console, () => 0);
    progress.step(step(1));
    progress.evaluation(evaluation);
    progress.step(step(200));
    progress.end();
    expect(lines()).toEqual([
      "step 10  validation 1.2500",
      "step 200/200  loss 1.5000  61.2k tokens/s  44 % of peak  1 min 05 s left",
      "",
    ]);
  });

  it("never wraps", () => {
    const { console, lines } = terminal(true, 30);
    createProgress(console, () => 0).step(step(1));
    expect(lines()[0]!.length).toBeLessThan(30);
  });
});

describe("elsewhere", () => {
  it("writes some twenty plain lines a run", () => {
    const { console, lines, raw } = terminal(false);
    const progress = createProgress(console, () => 0);
    for (let i = 1; i <= 200; i++) progress.step(step(i));
    expect(lines()).toHaveLength(1 + 20 + 1);
    expect(raw()).not.toContain("\r");
  });

  it("leaves out what is not known yet", () => {
    const { console, lines } = terminal(false);
    const first = { ...step(1), tokensPerSecond: 0, shareOfPeak: null, secondsLeft: null };
    createProgress(console, () => 0).step(first);
    expect(lines()[0]).toBe("step   1/200  loss 1.5000");
  });
});
