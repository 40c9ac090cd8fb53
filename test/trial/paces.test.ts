// Speeds that decide how long runs are trained: the middle of several rounds, and a line where those differ.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { RequestError } from "../../src/errors.ts";
import { openStore } from "../../src/study/store.ts";
import type { ArmInput, TrialInput } from "../../src/trial/input.ts";
import { busyLines, measurePaces, middleOf, pacesSchema } from "../../src/trial/paces.ts";
import { prepareTrial } from "../../src/trial/prepare.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { input } from "./harness.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

const roundsOf = (...seconds: number[]) =>
  middleOf(seconds.map((secondsPerStep) => ({ secondsPerStep, peakBytes: 7 })));

test("the middle of the rounds is taken, and how far they lie apart is told", () => {
  expect(roundsOf(2)).toEqual({ secondsPerStep: 2, peakBytes: 7 });
  expect(roundsOf(9, 2, 3)).toEqual({ secondsPerStep: 3, peakBytes: 7, spread: 7 / 3 });
  const paces = [roundsOf(1, 1.05, 1.1), roundsOf(1, 1, 1.5), roundsOf(2)];
  expect(busyLines(["a", "b", "c"], paces)).toEqual([
    expect.stringMatching(/^Speeds were measured on a busy machine: .*\(b 50 %\)/),
  ]);
  expect(busyLines(["a"], paces.slice(0, 1))).toEqual([]);
  // Those of earlier versions.
  expect(pacesSchema.parse([{ secondsPerStep: 1, peakBytes: null }])).toHaveLength(1);
});

test("only what is held to seconds is timed in rounds, and the same speeds serve the usual backend by its name", async () => {
  const prepare = (more: Partial<TrialInput>, folder: string, backend?: "native") =>
    prepareTrial({ input: { ...input, train: { seconds: 4 }, ...more }, folder, backend });
  const held = await prepare({}, root.path);
  for (const { spread } of held.paces!) expect(spread).toBeGreaterThanOrEqual(0);
  const again = await prepare({}, root.path, "native");
  expect(again.paces).toEqual(held.paces);
  expect(again.trial.json).toEqual(held.trial.json);
  const spent = await prepare({ train: { steps: 4 }, stop: "race", spend: "10m" }, `${root.path}/spent`);
  for (const { spread } of spent.paces!) expect(spread).toBeUndefined();
}, 60_000);

test("of two calls at the same time both have the speeds that were kept first", async () => {
  const folder = join(root.path, "both");
  const prepare = () => prepareTrial({ input: { ...input, train: { seconds: 4 } }, folder });
  const [one, other] = await Promise.all([prepare(), prepare()]);
  expect(other.paces).toEqual(one.paces);
  expect((await prepare()).trial.json).toEqual(one.trial.json);
}, 60_000);

test("arms are timed by their own updates; a study of an earlier version that is there goes on with what it has", async () => {
  const folder = join(root.path, "updates");
  const prepare = (more: Partial<TrialInput>) =>
    prepareTrial({ input: { ...input, train: { seconds: 4 }, rates: [0.01], seeds: 2, ...more }, folder });
  const keptOf = (): string => JSON.parse(readFileSync(join(folder, ".paces.json"), "utf8")).of;
  await prepare({});
  const usual = keptOf();
  // Rates and their schedule take no time, and the usual optimiser is the usual one by its name.
  await prepare({ training: { optimizer: "adamw", schedule: { decay: "linear" } } });
  expect(keptOf()).toBe(usual);
  const { wide, deep } = input.arms as Readonly<Record<"wide" | "deep", ArmInput>>;
  const own = { arms: { wide, deep: { ...deep, training: { optimizer: "muon" } } } };
  const { trial } = await prepare(own);
  expect(keptOf()).not.toBe(usual);
  // As if the folder had been made before updates counted.
  writeFileSync(join(folder, ".paces.json"), JSON.stringify({ of: usual, paces: [pace(1e-3), pace(2e-3)] }));
  openStore(folder, trial.json);
  expect((await prepare(own)).paces).toEqual([pace(1e-3), pace(2e-3)]);
}, 60_000);

const pace = (secondsPerStep: number) => ({ secondsPerStep, peakBytes: null });

const armOf = (name: string, width: number, repeat: number) => ({
  name,
  architecture: defineArchitecture({
    ...{ vocabulary: 11, length: 128, width, repeat },
    stripe: `[attention(heads: ${width / 16}), gelu]`,
  }),
});
const paced = { batch: 4, backend: undefined, signal: undefined };

test("the memory of an arm does not hang on the arms that were timed before it", async () => {
  const [large, small] = [armOf("large", 128, 3), armOf("small", 16, 1)];
  const [before, after] = [
    await measurePaces([large, small], paced),
    (await measurePaces([small, large], paced)).toReversed(),
  ];
  const apart = ([one, other]: typeof before) => one!.peakBytes! - other!.peakBytes!;
  expect(apart(before)).toBeGreaterThan(1e7);
  expect(apart(after)).toBe(apart(before));
}, 60_000);

test("an arm that needs more memory than is free is refused by its name before its first update", async () => {
  const free = vi.spyOn(process, "availableMemory").mockReturnValue(2 ** 20);
  try {
    await expect(measurePaces([armOf("vast", 128, 3)], paced)).rejects.toThrow(RequestError);
    await expect(measurePaces([armOf("vast", 128, 3)], paced)).rejects.toThrow(
      /^vast: [\d.]+ [MG]iB of memory are predicted and .* are free; expected a smaller model, batch or length$/,
    );
    free.mockReturnValue(2 ** 40);
    expect(await measurePaces([armOf("vast", 128, 3)], paced)).toHaveLength(1);
  } finally {
    free.mockRestore();
  }
}, 60_000);
