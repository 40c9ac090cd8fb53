// Studies on images: what the data decide, what the verdict is on, and a run that is really trained.
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { requireClaim } from "../../src/claims/claims.ts";
import { claimCost } from "../../src/claims/cost.ts";
import { costLines } from "../../src/cli/study/lines.ts";
import { reportPage } from "../../src/report/page.ts";
import { costOfTrial } from "../../src/trial/cost.ts";
import { defineTrial } from "../../src/trial/define.ts";
import type { TrialInput } from "../../src/trial/input.ts";
import { onData, prepareTrial, usualData } from "../../src/trial/prepare.ts";
import { trialReport } from "../../src/trial/report.ts";
import { trialResult } from "../../src/trial/result.ts";
import { jobOf, type TrialRun } from "../../src/trial/runs.ts";
import type { TrialData } from "../../src/trial/subjects/subject.ts";
import { readValue } from "../../src/trial/values.ts";
import { noteLines, pairLine } from "../../src/trial/words.ts";
import { work } from "../../src/trial/worker.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { resultOf } from "./harness.ts";
import { writeTinyImages } from "./tinyImages.ts";

const root = temporaryFolder();
afterAll(() => root.remove());
const tiny = join(root.path, "tiny");
writeTinyImages(tiny, 80, 24);

const vit = {
  width: 8,
  heads: 2,
  causal: false,
  positions: "learned",
  norm: "layer",
  standardDeviation: 0.3,
};
const input: TrialInput = {
  arms: {
    one: { architecture: { ...vit, layers: 1 } },
    two: { architecture: { ...vit, layers: 2 } },
  },
  ...{ images: { data: tiny, patch: 4, augmentation: { crop: 1 } }, train: { epochs: 4 }, batch: 8 },
  ...{ rates: [0.01, 0.03], seeds: 2, stop: "full" },
};
const data: TrialData = {
  ...{ name: "tiny", vocabulary: 2, sequence: { length: 4, inputs: 16 } },
  ...{ trainingTokens: 72 * 4, validationTokens: 8 * 4, testTokens: 24 * 4 },
};
const trial = defineTrial(input, { data, backend: "reference" });

test("images decide classes, patches and length; epochs are updates over all training images", () => {
  const { arms, split, length, settings, runs } = trial;
  expect(length).toBe(4);
  for (const { architecture, steps } of arms) {
    expect(architecture).toMatchObject({ vocabulary: 2, length: 4, inputs: 16, pool: "average" });
    expect(steps).toBe((4 * 72) / 8);
  }
  expect(split).toEqual({ selection: 32, test: 96 });
  expect(settings.margin).toBe(0.2);
  const { spec } = runs[0]![0]![0]!;
  expect(spec.images).toMatchObject({ data: tiny, patch: 4, augmentation: { crop: 1, flip: false } });
  expect(Object.keys(spec)).not.toContain("data");
  expect(spec.training).toMatchObject({ order: "epochs", batch: 8 });
  expect(
    defineTrial({ ...input, batch: undefined, images: "shapes" } as never, { data }).settings.batch,
  ).toBe(64);
});

test("what is of text is refused, and so is what the images decide; other data are images, too", () => {
  const refused = (more: object) => () => defineTrial({ ...input, ...more }, { data });
  expect(refused({ length: 4 })).toThrow(
    /study: length is for studies of text, and this is one of images; leave it out/,
  );
  expect(refused({ data: "book.txt" })).toThrow(/images is for studies of images, and this is one of text/);
  expect(refused({ images: { patches: 4 } })).toThrow(
    /study: images: unknown key "patches"; did you mean "patch"\?/,
  );
  expect(refused({ images: { augmentation: { crop: -1 } } })).toThrow(/augmentation: crop is -1/);
  expect(refused({ train: { steps: 1000 } })).toThrow(
    /trained on 32,000 patches and tiny has 288, 111\.1 epochs; expected at most 100/,
  );
  expect(refused({ training: { parametrisation: "mup" } })).toThrow(/one: /);
  expect(onData(input, "mnist").images).toEqual({ ...(input.images as object), data: "mnist" });
  expect(onData({ ...input, images: "shapes" }, "mnist").images).toBe("mnist");
});

/** The first arm has the lower error and the higher loss. */
function planted({ arm, candidate, seed }: TrialRun) {
  const error = 0.02 + 0.01 * arm + 0.0001 * ((3 * seed + arm) % 2);
  const loss = 0.5 - 0.1 * arm + 0.2 * candidate + 0.001 * ((5 * seed + arm) % 3);
  return { error, loss };
}

const results = trial.runs.flat(2).map((run) => {
  const { error, loss } = planted(run);
  const made = resultOf(run, loss);
  const accuracy = 1 - error;
  const curve = made.value.curve.map((look) => ({ ...look, accuracy }));
  const load = [0.25 + 0.01 * run.seed, 0.75 - 0.01 * run.seed];
  const statistics = { "block.0.moe.load": load, "block.0.moe.entropy": [0.5 + 0.2 * run.seed] };
  return { ...made, value: { ...made.value, accuracy, curve, statistics } };
});

test("the verdict is on the error, rates are chosen by the loss, and a verdict that the loss turns is told", () => {
  const result = trialResult(trial, { results, failures: [] });
  expect(result.measure).toBe("error");
  expect(result.arms.map(({ rate }) => rate)).toEqual([0.01, 0.01]);
  expect(result.arms.map(({ accuracies }) => accuracies[0])).toEqual([0.98, 0.9699]);
  const [pair] = result.pairs;
  expect(pair).toMatchObject({ winner: "one", verdict: "win", measure: "error" });
  expect(pair!.difference).toBeCloseTo(-1, 1);
  expect(pairLine(pair!)).toMatch(/^win: one over two by 1\.00 points \[\d/);
  const byLoss = result.views.find(({ name }) => name === "by the loss")!;
  expect(byLoss).toMatchObject({ flips: [0] });
  expect(byLoss.pairs[0]).toMatchObject({ winner: "two", measure: "loss" });
  // No law says what an error would be at another size.
  expect(result.views.filter(({ axis }) => axis.of === "parameters")).toEqual([]);
  expect(noteLines(result).slice(0, 2)).toEqual([
    "Data: tiny.",
    expect.stringMatching(/verdict is on the error, the share of test images/),
  ]);
});

test("the page shows accuracy and what modules tell, block by block, means over seeds", () => {
  const result = trialResult(trial, { results, failures: [] });
  expect(result.arms[0]!.statistics["block.0.moe.load"]).toEqual([
    expect.closeTo(0.255, 9),
    expect.closeTo(0.745, 9),
  ]);
  const document = trialReport({ result, command: "", hash: "" });
  const parts = document.sections.flatMap((section) => section.parts);
  const [losses] = parts.filter((part) => part.kind === "table");
  const accuracy = losses!.columns.findIndex(({ heading }) => heading === "accuracy, %");
  expect(losses!.rows[0]![accuracy]).toMatchObject({ value: expect.closeTo(97.995, 6), mark: "best" });
  // Errors and accuracies have as many decimals everywhere, and a difference of errors is in points.
  expect(losses!.columns[accuracy]!.unit).toBe("percent");
  const budgets = parts.find((part) => part.kind === "table" && part.title === "Errors at other budgets");
  expect(budgets).toMatchObject({ note: expect.stringMatching(/^Errors in per cent\./) });
  const units = budgets?.kind === "table" ? budgets.columns.slice(2).map(({ unit }) => unit) : [];
  expect(units).toEqual(["percent", "percent"]);
  const forest = parts.find((part) => part.kind === "figure" && part.chart.kind === "forest");
  expect(forest).toMatchObject({ chart: { x: { label: "difference of error, points" } } });
  const page = reportPage(document);
  for (const text of ["the validation images", "Modules of one", "entropy"]) expect(page).toContain(text);
});

test("maps of routers say which router a row and which expert a column is, in the picture and in the CSV", () => {
  const result = trialResult(trial, { results, failures: [] });
  const { sections } = trialReport({ result, command: "", hash: "" });
  const parts = sections.find(({ heading }) => heading === "What modules tell")!.parts;
  const maps = parts.filter((part) => part.kind === "figure");
  // The same colours in both, so that arms can be held against each other.
  expect(maps).toMatchObject(
    ["one", "two"].map((arm) => ({
      title: `Load of experts, ${arm}`,
      description: expect.stringMatching(/a row for each router.*a column for each of its experts/),
      chart: {
        ...{ rows: ["block.0.moe"], columns: ["expert 1", "expert 2"], unit: "share" },
        domain: [0, expect.closeTo(0.745, 9)],
      },
    })),
  );
  const page = reportPage({
    ...trialReport({ result, command: "", hash: "" }),
    sections: [{ heading: "", parts }],
  });
  expect(page.match(/>expert 2</g)?.length).toBe(4);
  const csv = [...page.matchAll(/href="data:[^,]*,%EF%BB%BF([^"]*)"/g)].map(([, text]) =>
    decodeURIComponent(text!),
  );
  expect(csv[0]).toMatch(/^router,expert 1,expert 2\r\nblock\.0\.moe,0\.255/);
  const table = parts.find((part) => part.kind === "table");
  expect(table).toMatchObject({
    columns: [{ heading: "module" }, { heading: "entropy of the router, nat" }],
  });
});

test("without data the drawn shapes are used, which the first line says", () => {
  const shapes = defineTrial({ ...input, images: {} }, { data: usualData({ ...input, images: {} }) });
  expect(shapes.data).toMatchObject({ name: "shapes", vocabulary: 10, sequence: { length: 64, inputs: 48 } });
  const result = trialResult(shapes, { results: [], failures: [] });
  expect(noteLines(result)[0]).toMatch(/^Data: the built-in drawn shapes, since no other is given/);
  const paces = shapes.arms.map(() => ({ secondsPerStep: 0.01, peakBytes: 2 ** 20 }));
  expect(costLines(shapes, costOfTrial(shapes, paces), 0)[0]).toContain("shapes, 4.00 epochs at most");
});

test("a run of images is trained, tested on the test images, and goes on from where it was stopped", async () => {
  const { trial: own } = await prepareTrial({ input, backend: "reference" });
  expect(own.data).toMatchObject({ ...data, sha256: expect.any(String) });
  const job = jobOf(own.runs[0]![1]![0]!);
  const made = async (name: string, stopAt = Infinity) => {
    const stop = new AbortController();
    const { value, flops } = await work(job, {
      ...{ folder: join(root.path, name), threads: 1, signal: stop.signal },
      report: ({ at }) => {
        if (at >= stopAt) stop.abort();
      },
    });
    const { tokensPerSecond, ...rest } = readValue(job.run, value);
    return { ...rest, flops };
  };
  const whole = await made("whole");
  expect(whole.flops).toBeCloseTo(own.arms[0]!.flops, -3);
  // Of 24 images.
  expect(whole.accuracy! * 24).toBeCloseTo(Math.round(whole.accuracy! * 24), 9);
  expect(whole.curve.at(-1)).toMatchObject({ step: 36, loss: whole.selection });
  expect(whole.curve.at(-1)!.accuracy).not.toBeNull();
  await expect(made("stopped", 5)).rejects.toThrow(/goes on from its checkpoint/);
  expect(await made("stopped")).toEqual(whole);
}, 120_000);

test("what claims of images cost is known without their data", () => {
  const { runs, flops } = claimCost(requireClaim("widenet"), "small");
  expect(runs).toBe(20);
  expect(flops).toBeLessThan(2e13);
});
