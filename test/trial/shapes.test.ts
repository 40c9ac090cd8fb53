// Loss over depth and width: which arms are drawn on one line, and what is not.
import { expect, test } from "vitest";
import type { ReportFigure } from "../../src/report/document.ts";
import type { Trial } from "../../src/trial/define.ts";
import type { TrialInput } from "../../src/trial/input.ts";
import { trialResult } from "../../src/trial/result.ts";
import type { TrialRun } from "../../src/trial/runs.ts";
import { shapeFigures } from "../../src/trial/shapes.ts";
import { resultsOf, trialOf } from "./harness.ts";

const lossOf = ({ arm, candidate, seed }: TrialRun): number => 2 + 0.1 * arm + candidate + 0.01 * seed;
const figuresOf = (trial: Trial): ReportFigure[] =>
  shapeFigures(trialResult(trial, resultsOf(trial, lossOf)));
const linesOf = ({ chart }: ReportFigure) =>
  chart.kind === "curves" ? chart.series.map(({ name, points }) => [name, points.map(({ x }) => x)]) : [];

const shape = (layers: number, width: number, more: object = {}) => ({
  architecture: { width, layers, heads: width / 8, activation: "gelu", positions: "rope", ...more },
});

test("the arms of a solved family are one line over depth, with intervals over seeds", () => {
  const family = { architecture: { heads: 2, activation: "gelu", positions: "rope" }, depths: [1, 4, 16] };
  const equal = { parameters: 12_288, convention: "kaplan", tolerance: 0.1 };
  const [figure, ...others] = figuresOf(trialOf({ arms: undefined, family, equal } as never));
  expect(others).toEqual([]);
  expect(linesOf(figure!)).toEqual([["1 × 32 to 16 × 8", [1, 4, 16]]]);
  expect(figure).toMatchObject({
    title: "Loss over depth",
    seeds: "seeds 1 to 3",
    chart: { x: { scale: "log" } },
  });
  const points = figure!.chart.kind === "curves" ? figure!.chart.series[0]!.points : [];
  expect(points.map(({ y }) => y.toFixed(2))).toEqual(["2.01", "2.11", "2.21"]);
  for (const { y, interval } of points) {
    expect(interval![0]).toBeLessThan(y);
    expect(interval![1]).toBeGreaterThan(y);
  }
  const one = figuresOf(trialOf({ arms: undefined, family, equal, seeds: 1 } as never));
  expect(one[0]).toMatchObject({ seeds: "seed 1", convention: "one seed" });
});

test("arms that differ in their block, their training or by growth are on no line together", () => {
  const arms = (third: object): Partial<TrialInput> => ({
    arms: { one: shape(1, 16), two: shape(2, 16), three: third } as NonNullable<TrialInput["arms"]>,
  });
  expect(figuresOf(trialOf(arms(shape(4, 8)))).map(linesOf)).toEqual([[["one to three", [1, 2, 4]]]]);
  expect(figuresOf(trialOf(arms(shape(4, 8, { norm: "rms" }))))).toEqual([]);
  expect(figuresOf(trialOf(arms({ ...shape(4, 8), training: { clip: 1 } })))).toEqual([]);
  const grow = [{ at: { share: 0.5 }, to: [{ grow: "layers", add: 2, at: "last" }], method: "stack" }];
  expect(figuresOf(trialOf(arms({ ...shape(2, 8), training: { grow } })))).toEqual([]);
  // Twice the same depth is no curve.
  expect(figuresOf(trialOf(arms(shape(2, 8))))).toEqual([]);
});

test("of a grid of shapes each width has a line over depth, and each depth one over width", () => {
  const sizes = [1, 2, 4].flatMap((layers) => [8, 16, 32].map((width) => [layers, width] as const));
  const arms = Object.fromEntries(
    sizes.map(([layers, width]) => [`${layers}x${width}`, shape(layers, width)]),
  );
  const [depth, width] = figuresOf(trialOf({ arms }));
  expect(linesOf(depth!)).toEqual([8, 16, 32].map((wide) => [`1x${wide} to 4x${wide}`, [1, 2, 4]]));
  expect(linesOf(width!)).toEqual([1, 2, 4].map((deep) => [`${deep}x8 to ${deep}x32`, [8, 16, 32]]));
});

test("arms without a result have no point, and a study without any no figure", () => {
  const arms = { a: shape(1, 16), b: shape(2, 16), c: shape(4, 16) };
  const trial = trialOf({ arms });
  const some = trialResult(
    trial,
    resultsOf(trial, (run) => (run.arm === 1 ? null : lossOf(run))),
  );
  expect(shapeFigures(some).map(linesOf)).toEqual([[["a to c", [1, 4]]]]);
  expect(shapeFigures(trialResult(trial, { results: [], failures: [] }))).toEqual([]);
});
