// Networks that grow while they are trained: the loss goes on, stopping and going on changes nothing, and what cannot be is
// refused before the first step.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { count } from "../../src/architecture/count.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import { readCheckpoint } from "../../src/train/checkpoint.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { type GrowthEventInput, isDue, noPlateau, withEvaluation } from "../../src/train/growthEvents.ts";
import { readLog } from "../../src/train/log.ts";
import { openModel } from "../../src/train/model.ts";
import { resume } from "../../src/train/resume.ts";
import { readConfiguration } from "../../src/train/runFolder.ts";
import { writeRunReport } from "../../src/train/runReport.ts";
import { runResult } from "../../src/train/runResult.ts";
import { defineTraining } from "../../src/train/settings.ts";
import { train } from "../../src/train/train.ts";
import { bytesOf, freshFolder, grownIn, settings, text } from "./growing.ts";
import { collect, failure, tinyRun, unsteadyMachine } from "./harness.ts";

const machine = createReference();
/** After an evaluation, and between two. */
const events: GrowthEventInput[] = [
  { at: { step: 5 }, to: [{ grow: "settings", to: { feedforward: 12 } }] },
  {
    at: { tokens: 8 * 16 },
    to: [
      { grow: "width", to: 12 },
      { grow: "layers", add: 1, at: "last" },
    ],
  },
];

describe("a run that grows twice", () => {
  let folder: string;
  let told: TrainEvent[];
  beforeAll(async () => {
    folder = freshFolder();
    told = await collect(train(tinyRun(folder, text, settings(events))));
  }, 30_000);

  test("has the loss it had, and tells what was done", () => {
    const grown = grownIn(told);
    expect(grown.map(({ step, event }) => [step, event])).toEqual([
      [5, 0],
      [8, 1],
    ]);
    for (const { loss, proof, parameters } of grown) {
      expect(loss.after).toBeCloseTo(loss.before, 6);
      expect(proof.largest).toBeLessThan(1e-12 * proof.scale);
      expect(parameters.after).toBeGreaterThan(parameters.before);
    }
    const evaluated = told.find((event) => event.kind === "evaluation" && event.step === 5);
    expect(grown[0]!.loss.before).toBe((evaluated as { loss: number }).loss);
  });

  test("counts the operations of each stage by its network", () => {
    const [first, second, last] = [5, 8, 12].map((step) => {
      const { architecture } = openModel(machine, folder, step);
      return count(architecture).flopsPerToken.training * 16;
    });
    const steps = told.flatMap((event) => (event.kind === "step" ? [event.flops] : []));
    expect(steps.at(-1)).toBe(5 * first! + 3 * second! + 4 * last!);
    expect(runResult(folder)).toMatchObject({
      flops: steps.at(-1),
      parameters: grownIn(told)[1]!.parameters.after,
    });
  });

  test("tells of it in its report", () => {
    const { report } = writeRunReport(folder, { command: "train", ending: "finished" });
    expect(report.notes).toContainEqual(
      expect.stringMatching(/^after step 5 grown from .+ to .+ parameters: loss/),
    );
  });

  test("can be opened at any of its sizes", () => {
    const widths = [5, 8, 10, 12].map((step) => openModel(machine, folder, step).architecture.width);
    expect(widths).toEqual([8, 8, 12, 12]);
  });

  test.each([3, 5, 6, 8, 9])("stopped after step %i it comes to the same end", async (at) => {
    const copy = freshFolder();
    const stop = new AbortController();
    const options = tinyRun(copy, text, { ...settings(events), signal: stop.signal });
    await collect(train(options), at, () => stop.abort());
    expect(readLog(copy).at(-1)).toMatchObject({ reason: "aborted", step: at });
    await collect(resume({ machine, folder: copy }));
    expect(bytesOf(copy, 12)).toEqual(bytesOf(folder, 12));
    const [manifest, expected] = [copy, folder].map(
      (of) => readCheckpoint(join(of, "checkpoints"), 12).manifest,
    );
    expect(manifest).toEqual(expected);
    const recorded = (of: string) => readLog(of).filter(({ kind }) => kind === "growth");
    expect(recorded(copy)).toEqual(recorded(folder));
  });

  test("a damaged checkpoint after an event is passed over for one before it", async () => {
    const copy = freshFolder();
    const stop = new AbortController();
    const options = tinyRun(copy, text, { ...settings(events), signal: stop.signal });
    await collect(train(options), 9, () => stop.abort());
    writeFileSync(join(copy, "checkpoints", "9", "model.safetensors"), "");
    const again = await collect(resume({ machine, folder: copy }));
    expect(again[0]).toMatchObject({ kind: "damaged", step: 9 });
    expect(bytesOf(copy, 12)).toEqual(bytesOf(folder, 12));
  });
});

test("a run stops where the larger network computes something else, and keeps the smaller one", async () => {
  const folder = freshFolder();
  const options = { ...tinyRun(folder, text, settings(events)), machine: unsteadyMachine() };
  const said = await failure(train(options), WorkError);
  expect(said).toMatch(/^step 5: grown, the network's logits differ by/);
  expect(openModel(machine, folder, "last")).toMatchObject({ step: 5, architecture: { width: 8 } });
});

test("operations and plateaus call for events, and a schedule can begin again", async () => {
  const plain = await collect(train(tinyRun(freshFolder(), text, settings([], { steps: 2 }))));
  const step = plain.flatMap((event) => (event.kind === "step" ? [event.flops] : []))[0]!;
  const to = [{ grow: "settings", to: { feedforward: 12 } }] as const;
  const wider = [{ grow: "settings", to: { feedforward: 16 } }] as const;
  const grow: GrowthEventInput[] = [
    { at: { flops: 2.5 * step }, to, schedule: "restart" },
    // Nothing can be that much better.
    { at: { plateau: { improvement: 1e6, evaluations: 2 } }, to: wider },
  ];
  const folder = freshFolder();
  const given = settings(grow, { evaluateEvery: 2, sampleEvery: 3 });
  const told = await collect(train(tinyRun(folder, text, given)));
  // Evaluations after steps 4, 6 and 8: the first is what the others are held against.
  expect(grownIn(told).map((event) => event.step)).toEqual([3, 8]);
  const rates = told.flatMap((event) => (event.kind === "step" ? [event.rate] : []));
  expect(rates.slice(0, 6)).toEqual([0.015, 0.03, 0.03, 0.015, 0.03, 0.03]);
  // Stopped while the plateau is waited for.
  const copy = freshFolder();
  const stop = new AbortController();
  await collect(train(tinyRun(copy, text, { ...given, signal: stop.signal })), 7, () => stop.abort());
  await collect(resume({ machine, folder: copy }));
  expect(bytesOf(copy, 12)).toEqual(bytesOf(folder, 12));
}, 30_000);

describe("grown by another method", () => {
  const wider = [
    { grow: "settings", to: { feedforward: 16, heads: 4 } },
    { grow: "width", to: 16 },
  ] as const;
  const layers = [{ grow: "layers", add: 2, at: "last" }] as const;
  const at = { step: 6 };
  test.each<[GrowthEventInput, boolean]>([
    [{ at, to: wider, method: "hypercloning", noise: 10 }, true],
    [{ at, to: layers, method: "stack", schedule: "restart" }, false],
    [{ at, to: layers, method: "interleave" }, false],
  ])(
    "%o",
    async (event, preserves) => {
      const { architecture } = tinyRun("", text);
      const plain = { ...architecture, dropout: 0, norm: "rms", bias: false } as const;
      const given = { ...settings([event]), architecture: plain };
      const [folder, copy] = [freshFolder(), freshFolder()];
      const told = await collect(train(tinyRun(folder, text, given)));
      const [grown] = grownIn(told);
      expect(grown).toMatchObject({ step: 6, method: event.method });
      expect(grown!.proof.largest < 1e-12 * grown!.proof.scale).toBe(preserves);
      const stop = new AbortController();
      await collect(train(tinyRun(copy, text, { ...given, signal: stop.signal })), 7, () => stop.abort());
      await collect(resume({ machine, folder: copy }));
      expect(bytesOf(copy, 12)).toEqual(bytesOf(folder, 12));
    },
    30_000,
  );
});

test("an evaluation is held against the last one that was well below those before it", () => {
  const at = { plateau: { improvement: 0.1, evaluations: 2 } };
  const event = { at, to: [], schedule: "keep", method: "zero", noise: null, over: null } as const;
  let progress = { steps: [] as number[], flops: 0, plateau: noPlateau };
  const due = [3, 2.5, 2.45, 2.35, 2.3, 2.26, 2.26].map((loss) => {
    progress = { ...progress, plateau: withEvaluation(progress, event, loss) };
    return isDue(progress, event, { step: 1, tokens: 1 });
  });
  expect(due).toEqual([false, false, false, false, false, true, true]);
});

describe("before the first step it is refused", () => {
  const to = [{ grow: "settings", to: { feedforward: 12 } }] as const;
  test.each<[string, unknown, string]>([
    ["no list", {}, "grow is"],
    ["an event of another kind", [{ at: { epochs: 2 }, to }], 'grow[0]: at: unknown key "epochs"'],
    ["two moments", [{ at: { step: 2, tokens: 5 }, to }], "expected one of step, tokens, flops, plateau"],
    ["a moment after the end", [{ at: { step: 12 }, to }], "grow[0]: step is 12; expected one from 1 to 11"],
    [
      "events out of order",
      [
        { at: { step: 6 }, to },
        { at: { step: 5 }, to },
      ],
      "grow[1]: step is 5; expected one from 7 to 11",
    ],
    ["half a plateau", [{ at: { plateau: { evaluations: 2 } }, to }], "improvement is missing"],
    ["no steps", [{ at: { step: 2 }, to: [] }], "grow[0]: to is []"],
    ["an odd step", [{ at: { step: 2 }, to: [{ grow: "height" }] }], 'grow is "height"'],
    ["an unknown method", [{ at: { step: 2 }, to, method: "stak" }], 'there is no method "stak"'],
    ["an unknown schedule", [{ at: { step: 2 }, to, schedule: "again" }], 'schedule is "again"'],
    ["a warm-up beyond the end", [{ at: { step: 11 }, to, schedule: "restart" }], "that follow the first 11"],
  ])("%s", (_, grow, message) => {
    const { training } = settings([]);
    expect(() => defineTraining({ ...training, grow })).toThrow(RequestError);
    expect(() => defineTraining({ ...training, grow })).toThrow(message);
  });

  test("a network that cannot become that one", async () => {
    const grow: GrowthEventInput[] = [
      { at: { step: 2 }, to },
      { at: { step: 3 }, to: { width: 4 } },
    ];
    const folder = freshFolder();
    const said = await failure(train(tinyRun(folder, text, settings(grow))), RequestError);
    expect(said).toBe("training: grow[1]: width is 4; expected at least the 8 of now, prune makes it less");
    const stacked = settings([{ at: { step: 2 }, to, method: "stack" }]);
    expect(await failure(train(tinyRun(folder, text, stacked)), RequestError)).toBe(
      "training: grow[0]: the method stack cannot grow settings; zero, net2net, aki, hypercloning, lemon, gradmax, ligo, masked can",
    );
    expect(() => readConfiguration(folder)).toThrow(RequestError);
  });
});
