// Which candidates synthetic tasks leave out.
import { expect, test } from "vitest";
import { afterScreen } from "../../src/design/define.ts";
import { afterTasks, screenOf } from "../../src/design/screen.ts";
import { givenCandidates } from "../../src/design/sizes.ts";
import type { MadResult } from "../../src/mad/result.ts";
import { designOf } from "./simulate.ts";

const stripes = {
  attention: "attention(heads: 2)",
  gru: "min-gru",
  window: "attention(heads: 2, window: 2)",
};
const arms = Object.entries(stripes).flatMap(([name, mixer]) =>
  [1, 2].map((layers) => [
    `${name}-${layers}`,
    { architecture: { width: 16, layers, stripe: `[${mixer}, gelu]`, positions: "rope" } },
  ]),
);
const request = { parameters: undefined, state: undefined, vocabulary: 11, length: 8 };
const { candidates } = givenCandidates(Object.fromEntries(arms), false, request);

/** What tasks came to, as far as a screening reads it. */
const madResult = (scores: readonly number[], beaten: readonly string[]): MadResult =>
  ({
    architectures: ["attention-1", "gru-1", "window-1"].map((name, place) => ({
      name,
      mean: { score: scores[place]!, interval: null, over: null, seeds: 3 },
    })),
    verdicts: {
      mean: beaten.map((second) => ({ first: "attention-1", second, winner: "attention-1" })),
      byTask: {},
    },
    spent: { runs: 18, steps: 9000, flops: 1e9, seconds: 100, share: 1 },
  }) as unknown as MadResult;

test("depths of the same blocks are one kind; the lowest third is left out where it is surely beaten", () => {
  const screen = screenOf(candidates)!;
  expect(screen.contestants.map(({ name }) => name)).toEqual(["attention-1", "gru-1", "window-1"]);
  expect(screen.kinds).toEqual([0, 0, 1, 1, 2, 2]);
  expect(screen.flops).toBeGreaterThan(0);
  const names = (scores: readonly number[], beaten: readonly string[]) =>
    afterTasks(candidates, screen, madResult(scores, beaten)).leftOut.map(({ name }) => name);
  expect(names([0.9, 0.5, 0.4], ["gru-1", "window-1"])).toEqual(["window-1", "window-2"]);
  expect(names([0.9, 0.5, 0.4], ["gru-1"])).toEqual([]);
  expect(screenOf(candidates.slice(0, 2))).toBeNull();
});

test("the search goes on with what is left, and what the tasks cost is not spent again", () => {
  const design = designOf(6);
  const screened = { scores: [], cost: { runs: 18, flops: 1e10, seconds: 100, clock: 60 } };
  const kept = design.candidates.slice(1);
  const after = afterScreen(design, {
    candidates: kept,
    leftOut: [{ name: "deep-1", reason: "low" }],
    screened,
  });
  expect(after.search).toBeCloseTo(design.search - 1e10);
  expect(after.final).toBe(design.final);
  expect(after.rungs[0]!.candidates).toBe(5);
  expect(after.leftOut.at(-1)?.name).toBe("deep-1");
});

test("of a budget in time, tasks take what the clock says, and not a share of what their processes add up to", () => {
  const design = designOf(3, { budget: "10m" }, [0.01, 0.02, 0.03], 16);
  expect(design.search).toBe(300);
  // Eighteen runs of 10 s on sixteen processes are two waves.
  const screened = { scores: [], cost: { runs: 18, flops: 1e10, seconds: 180, clock: 20 } };
  const searchAfter = (one: typeof design) =>
    afterScreen(one, { candidates: one.candidates, leftOut: [], screened }).search;
  expect(searchAfter(design)).toBe(290);
  expect(searchAfter(designOf(3, { budget: "10m", final: "5m" }, [0.01, 0.02, 0.03], 16))).toBe(280);
});

test("tasks that took what the search needs take it from the winner's run, though that was asked for", () => {
  const design = designOf(3, { budget: "10m", final: "5m" }, [0.01, 0.02, 0.03], 1);
  const after = (clock: number) => {
    const screened = { scores: [], cost: { runs: 18, flops: 1e10, seconds: clock, clock } };
    const { search, final } = afterScreen(design, { candidates: design.candidates, leftOut: [], screened });
    return { search, final };
  };
  expect(after(100)).toEqual({ search: 200, final: 300 });
  expect(after(299)).toEqual({ search: 150.5, final: 150.5 });
  expect(() => after(700)).toThrow(/does not pay for the synthetic tasks/);
});

test("every block that sees other tokens counts as a mixer, and none that maps each alone", () => {
  const repeatOf = (stripe: string) => {
    const arms = Object.fromEntries(
      ["min-gru", stripe].map((own) => [
        own,
        { architecture: { width: 16, layers: 4, stripe: `[${own}, gelu]` } },
      ]),
    );
    const { contestants } = screenOf(givenCandidates(arms, false, request).candidates)!;
    return (contestants[1]!.input as { repeat: number }).repeat;
  };
  expect(repeatOf("attention(heads: 2)")).toBe(2);
  expect(repeatOf("attention(heads: 2), nonlinearity(function: relu)")).toBe(2);
  expect(repeatOf("attention(heads: 2), min-gru")).toBe(1);
});
