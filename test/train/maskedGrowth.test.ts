// Networks that are trained while the masks of their new parts rise: the loss goes on, new parts learn from the first update on,
// stopping and going on changes nothing, and at the end there is a plain network.
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { count } from "../../src/architecture/count.ts";
import type { Machine } from "../../src/backend/machine.ts";
import { createNative } from "../../src/backend/native/index.ts";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { readCheckpoint, tensorValues } from "../../src/train/checkpoint.ts";
import type { StepEvent, TrainEvent } from "../../src/train/events.ts";
import { growRun } from "../../src/train/growRun.ts";
import type { GrowthEventInput } from "../../src/train/growthEvents.ts";
import { openModel } from "../../src/train/model.ts";
import { resume } from "../../src/train/resume.ts";
import { defineTraining } from "../../src/train/settings.ts";
import { train } from "../../src/train/train.ts";
import { bytesOf, freshFolder, grownIn, settings, text } from "./growing.ts";
import { collect, failure, tinyRun } from "./harness.ts";

const machine = createReference();
const to: GrowthStep[] = [
  { grow: "settings", to: { feedforward: 12 } },
  { grow: "width", to: 12 },
  { grow: "layers", add: 1, at: "last" },
];
/** Masks rise in steps 6 to 9. */
const event: GrowthEventInput = { at: { step: 5 }, to, method: "masked", over: { steps: 4 } };
const stepsOf = (events: readonly TrainEvent[]) =>
  events.filter((event): event is StepEvent => event.kind === "step");
const tensorsOf = (folder: string, step: number) =>
  new Map(
    [...readCheckpoint(join(folder, "checkpoints"), step).tensors].map(([name, tensor]) => [
      name,
      Array.from(tensorValues(name, tensor, folder), Number),
    ]),
  );

async function stopped(at: number, more: object = {}, on: Machine = machine): Promise<string> {
  const folder = freshFolder();
  const stop = new AbortController();
  const options = { ...tinyRun(folder, text, settings([event], more)), machine: on, signal: stop.signal };
  await collect(train(options), at, () => stop.abort());
  return folder;
}

describe("a run that grows behind masks", () => {
  let folder: string;
  let told: TrainEvent[];
  beforeAll(async () => {
    folder = freshFolder();
    told = await collect(train(tinyRun(folder, text, settings([event]))));
  }, 60_000);

  test("has the loss it had, and counts the operations of each stage", () => {
    const [grown] = grownIn(told);
    expect(grown).toMatchObject({ step: 5, method: "masked", over: { steps: 4 } });
    expect(grown!.loss.after).toBeCloseTo(grown!.loss.before, 9);
    expect(grown!.proof.largest).toBeLessThan(1e-12 * grown!.proof.scale);
    const [smaller, larger] = [5, 12].map((step) => {
      const { architecture } = openModel(machine, folder, step);
      return count(architecture).flopsPerToken.training * 16;
    });
    expect(stepsOf(told).at(-1)!.flops).toBe(5 * smaller! + 7 * larger!);
  });

  test("new parts learn from the first update on, and are seen through the masks until these have risen", async () => {
    const first = tensorsOf(await stopped(6), 6);
    const down = "block.0.gelu.down.weight";
    const [seen, behind] = [first.get(down)!, first.get(`behind/${down}`)!];
    // [12, 12], of which [8, 8] were there: rows of units and columns of features are masked, each once.
    seen.forEach((value, i) => {
      const masks = Number(i % 12 >= 8) + Number(i >= 96);
      const mean = seen.slice(i - (i % 12), i - (i % 12) + 8).reduce((a, b) => a + b, 0) / 8;
      const expected = i % 12 < 8 ? 0.25 ** masks * behind[i]! : 0.75 * mean + 0.25 ** masks * behind[i]!;
      expect(value).toBeCloseTo(expected, 12);
    });
    // Gradients have met every new row, column and block.
    for (const name of [
      down,
      "block.0.gelu.up.weight",
      "embedding.tokens",
      "block.1.attention.output.weight",
    ]) {
      const moments = first.get(`momentum/${name}`)!;
      expect(moments.filter((value) => value !== 0).length).toBeGreaterThan(0.7 * moments.length);
    }
    const names = [...tensorsOf(folder, 10).keys()];
    expect(names.filter((name) => name.startsWith("behind/"))).toEqual([]);
  });

  test.each([5, 7, 9])("stopped after step %i it comes to the same end", async (at) => {
    const copy = await stopped(at);
    await collect(resume({ machine, folder: copy }));
    expect(bytesOf(copy, 12)).toEqual(bytesOf(folder, 12));
  });
});

test("parts of batches, values computed again and other optimisers go through masks, too", async () => {
  const more = { microBatches: 2, optimizer: "muon", recompute: 1 };
  const native = await createNative({ threads: 1 });
  const copy = await stopped(7, more, native);
  await collect(resume({ machine: native, folder: copy }));
  const folder = freshFolder();
  const options = { ...tinyRun(folder, text, settings([event], more)), machine: native };
  const losses = stepsOf(await collect(train(options)));
  native.dispose();
  expect(bytesOf(copy, 12)).toEqual(bytesOf(folder, 12));
  expect(losses.at(-1)!.loss).toBeLessThan(losses[0]!.loss);
}, 120_000);

test("nothing else grows while masks rise", async () => {
  const wider: GrowthEventInput = {
    at: { tokens: 6 * 16 },
    to: [{ grow: "settings", to: { feedforward: 16 } }],
  };
  const told = await collect(train(tinyRun(freshFolder(), text, settings([event, wider]))));
  expect(told.flatMap((event) => (event.kind === "growth" ? [event.step] : []))).toEqual([5, 9]);
}, 60_000);

describe("a run that was trained", () => {
  test("goes on behind masks where it stood", async () => {
    const folder = freshFolder();
    await collect(train(tinyRun(folder, text, { training: { ...tinyRun("", text).training, steps: 6 } })));
    const out = freshFolder();
    const made = await growRun({ folder, out, machine, steps: to, method: "masked", maskSteps: 3 });
    expect(made).toMatchObject({ step: 6, notes: ["masks rise in the next 3 steps of its training"] });
    expect(made.proof.float64.largest).toBeLessThanOrEqual(1e-12 * made.proof.float64.scale);
    const stop = new AbortController();
    const changes = { steps: 12 };
    const rising = resume({ machine, folder: out, changes, signal: stop.signal });
    const told = stepsOf(await collect(rising, 8, () => stop.abort()));
    expect(told.map(({ step }) => step)).toEqual([7, 8]);
    const per = count(made.architecture).flopsPerToken.training * 16;
    expect(told[0]!.flops).toBeCloseTo(made.flops + per, 3);
    const again = { folder: out, out: freshFolder(), machine, steps: [{ grow: "width", to: 16 }] } as const;
    await expect(growRun(again)).rejects.toThrow(
      /rise until step 9, and this is step 8; train it until then/,
    );
    const fresh = await growRun({ ...again, fresh: true });
    expect(fresh.architecture.width).toBe(16);
    await collect(resume({ machine, folder: out }));
    expect([...tensorsOf(out, 12).keys()].filter((name) => name.startsWith("behind/"))).toEqual([]);
    await growRun({ ...again, out: freshFolder() });
  }, 60_000);

  test.each<[string, object, string]>([
    ["fresh", { fresh: true, method: "masked" }, "leave out --fresh"],
    ["without masks", { maskSteps: 5 }, "the method zero has no masks that rise"],
  ])("%s", async (_, more, message) => {
    const folder = freshFolder();
    await collect(train(tinyRun(folder, text, { training: { steps: 2 } })));
    const refused = growRun({ folder, out: freshFolder(), machine, steps: to, ...more });
    await expect(refused).rejects.toThrow(RequestError);
    await expect(refused).rejects.toThrow(message);
  });
});

describe("before the first step it is refused", () => {
  test.each<[string, unknown[], string]>([
    [
      "masks that are still rising at the end",
      [{ ...event, over: { steps: 8 } }],
      "and 7 are left after step 5",
    ],
    [
      "growth while masks rise",
      [event, { at: { step: 8 }, to }],
      "grow[1]: step is 8; expected one from 9 to 11",
    ],
    [
      "masks of a method that has none",
      [{ ...event, method: "zero" }],
      "has no masks that rise; expected masked",
    ],
    ["no steps", [{ ...event, over: { steps: 0 } }], "over: steps is 0"],
  ])("%s", (_, grow, message) => {
    const { training } = settings([]);
    expect(() => defineTraining({ ...training, grow })).toThrow(RequestError);
    expect(() => defineTraining({ ...training, grow })).toThrow(message);
  });

  test("copies, which have nothing to mask", async () => {
    const { architecture } = tinyRun("", text);
    const wide: GrowthEventInput = { ...event, to: [{ grow: "width", to: 16 }] };
    const options = { ...settings([wide]), architecture: { ...architecture, block: "post" as const } };
    const said = await failure(train(tinyRun(freshFolder(), text, options)), RequestError);
    expect(said).toMatch(/^training: grow\[0\]: masked finds nothing to mask: /);
  });
});
