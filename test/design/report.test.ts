// What a design says of its winner's run.
import { expect, test } from "vitest";
import { resultLines } from "../../src/cli/design/lines.ts";
import type { DesignResult } from "../../src/design/design.ts";
import { designReport } from "../../src/design/report.ts";
import { searchResult } from "../../src/design/result.ts";
import type { RunResult } from "../../src/train/runResult.ts";
import type { PairResult } from "../../src/trial/pairResult.ts";
import { designOf, lossOf, searched } from "./simulate.ts";

const design = designOf(4);
const truth = { end: [1, 2, 3, 4], speed: [1, 1, 1, 1], rate: [1, 1, 1, 1], spread: 0, seed: 1 };
const found = searchResult(
  design,
  searched(design, (run) => lossOf(run, truth)),
);
const run = {
  step: 704,
  steps: 704,
  bestStep: 684,
  validationLoss: 1.28184,
  tokens: 1,
  flops: 1,
  seconds: 1,
};
const result: DesignResult = { ...found, run: run as RunResult };

test("the lowest loss is told with the update that it is of", () => {
  expect(resultLines(result, "runs/x")).toContain(
    "the winner: lowest validation loss 1.2818 nat after update 684 of 704",
  );
});

test("an interval of a win that ends at 0 is explained where there is one", () => {
  const pair: PairResult = {
    ...{ first: "a", second: "b", measure: "loss", difference: -0.1, interval: [-0.2, 0], seeds: 3 },
    ...{ verdict: "win", winner: "a", furtherSeeds: null },
  };
  const said = (lines: readonly string[]) =>
    lines.filter((line) => line.includes("interval ends at 0")).length;
  expect(said(resultLines({ ...result, pairs: [pair] }, "runs/x"))).toBe(1);
  expect(said(resultLines({ ...result, pairs: [] }, "runs/x"))).toBe(0);
});

test("the report has the winner's curve, its last loss, and losses over rates", () => {
  const validation = [
    { step: 684, loss: 1.28184 },
    { step: 704, loss: 1.29 },
  ];
  const curve = { training: [{ step: 1, loss: 3 }], validation };
  const { facts, sections } = designReport({
    ...{ design, result, curve, folder: "runs/x", command: "design()", hash: "0" },
  });
  expect(facts).toContainEqual({ name: "its last validation loss", value: "1.2900 nat after update 704" });
  expect(facts).toContainEqual({ name: "its lowest validation loss", value: "1.2818 nat after update 684" });
  const figures = sections
    .flatMap(({ parts }) => parts)
    .flatMap((part) => (part.kind === "figure" && part.chart.kind === "curves" ? [part.chart] : []));
  const [own, , first, last] = figures;
  expect(own!.series.map(({ name, points }) => [name, points.length])).toEqual([
    ["training", 1],
    ["validation", 2],
  ]);
  expect(first!.series.map(({ points }) => points.map(({ x }) => x))).toEqual(
    found.rungs[0]!.results.map(() => [0.001, 0.003, 0.01]),
  );
  expect(first!.series.filter(({ background }) => background).length).toBe(2);
  expect(last!.series.every(({ points }) => points.length === 2)).toBe(true);
});

const factsOf = (of: typeof design) => {
  const { sections } = designReport({ design: of, result, folder: "runs/x", command: "design()", hash: "0" });
  return sections[0]!.parts.flatMap((part) => (part.kind === "facts" ? part.facts : []));
};

test("how the winner is trained is told setting by setting, with what is its own", () => {
  const trained = (of: typeof design) => factsOf(of).filter(({ name }) => name.startsWith("training."));
  expect(trained(design)).toEqual([
    { name: "training.parametrisation.kind", value: "mup" },
    { name: "training.parametrisation.baseWidth", value: "64" },
    { name: "training.parametrisation.zeroHead", value: "true" },
    { name: "training.order", value: "epochs" },
  ]);
  const own = design.candidates.map((one) => ({ ...one, parametrisation: { kind: "standard" } as const }));
  expect(trained({ ...design, candidates: own })[0]).toEqual({
    name: "training.parametrisation.kind",
    value: "standard",
  });
  for (const { value } of factsOf(design)) expect(value).not.toMatch(/[{}"]/);
});

test("the terminal gives the reasons that its notes promise", () => {
  const leftOut = [{ name: "twin", reason: "it is plain, by another name" }];
  const lines = resultLines({ ...result, leftOut }, "runs/x");
  expect(lines).toContain("Left out: twin; reasons are below.");
  expect(lines).toContain("left out: twin: it is plain, by another name");
});
