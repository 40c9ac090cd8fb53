// `scantling ladder`: what would be run, and what is refused before anything is trained.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fitting } from "../../src/cli/ladder/request.ts";
import { decoderFamily } from "../../src/ladder/family.ts";
import type { LadderRequest } from "../../src/ladder/request.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const text = join(folder.path, "abc.txt");
writeFileSync(text, "abcd bcda ".repeat(400));
afterAll(() => folder.remove());

const out = join(folder.path, "ladder");
const tiny = [
  "--backend",
  "reference",
  "--data",
  text,
  "--length",
  "4",
  "--layers",
  "1",
  "--batch",
  "2",
  "--out",
  out,
];

test("--dry-run tells every run with its FLOPs, and the time, and trains nothing", async () => {
  const words = [
    "ladder",
    "isoflop",
    ...tiny,
    "--budgets",
    "4e7,8e7",
    "--parameters",
    "1500",
    "--dry-run",
    "--json",
  ];
  const { exitCode, out: printed } = await scantling(words);
  expect(exitCode).toBe(0);
  const plan = JSON.parse(printed);
  expect(plan.runs).toHaveLength(12);
  expect(plan.flops).toBeCloseTo(6 * 4e7 + 6 * 8e7, -7.5);
  expect(plan.seconds).toBeGreaterThan(0);
  expect(plan.notes[0]).toMatch(/sees the 3600 training tokens/);
  expect(existsSync(out)).toBe(false);
});

test("FLOPs for all become budgets a factor of 3 apart", async () => {
  const words = ["ladder", "isoflop", ...tiny, "--budget", "5e9flops", "--rungs", "3", "--dry-run", "--json"];
  const { runs, flops } = JSON.parse((await scantling(words)).out);
  const budgets = [...new Set(runs.map(({ budget }: { budget: number }) => budget))] as number[];
  expect(budgets).toHaveLength(3);
  expect(budgets[2]! / budgets[0]!).toBeCloseTo(9, 0);
  expect(flops).toBeGreaterThan(3e9);
  expect(flops).toBeLessThan(5e9);
});

test("budgets are found wherever models of those depths and batches can learn", () => {
  const parametrisation = { kind: "mup", baseWidth: 64, zeroHead: true } as const;
  const family = decoderFamily(128, { kind: "parametrised", parametrisation, rate: 0.004 });
  const common = { family, vocabulary: 30, seed: 0, evaluationTokens: 1024 };
  const shape = (budgets: readonly number[]): LadderRequest => ({
    ...{ ...common, kind: "shape", batch: 16, budgets, depths: [1, 2, 3, 4, 6, 8] },
  });
  const isoflop = (budgets: readonly number[]): LadderRequest => ({
    ...{ ...common, kind: "isoflop", batch: 512, budgets, layers: 4, sizes: [0.25, 0.5, 1, 2, 4] },
  });
  for (const requestAt of [shape, isoflop]) {
    const { flops } = fitting(requestAt, 5, { unit: "flops", value: 1e17 }, 1, undefined);
    expect(flops).toBeGreaterThan(0.75e17);
    expect(flops).toBeLessThan(0.85e17);
  }
  const little = () => fitting(isoflop, 5, { unit: "flops", value: 1e12 }, 1, undefined);
  expect(little).toThrow(/steps for decoder .*raise the budget/);
});

test("what cannot be run is refused in one line", async () => {
  const refused = async (...words: string[]) => {
    const { exitCode, err } = await refusal(["ladder", ...words]);
    expect(exitCode).toBe(2);
    return err;
  };
  const isoflop = (...words: string[]) => refused("isoflop", ...tiny, ...words);
  expect(await refused("isoflops")).toMatch(/isoflop/);
  expect(await isoflop("--budgets", "1e7")).toMatch(/one budget; expected two/);
  expect(await isoflop("--budgets", "8e7,4e7")).toMatch(/each larger than the one before/);
  expect(await isoflop("--budgets", "1e7,x")).toMatch(/Expected a number above 0/);
  expect(await isoflop("--budget", "20steps")).toMatch(/expected time or FLOPs/);
  expect(await isoflop("--budgets", "4e7,8e7", "--parameters", "1500", "--budget", "1e7flops")).toMatch(
    /12 runs take .* more than --budget 1e7flops/,
  );
  expect(await refused("state", ...tiny, "--budgets", "1e7")).toMatch(/two or more of different state/);
  expect(await refused("isoflop", "gpt2", "llama-7b", ...tiny, "--budgets", "4e7,8e7")).toMatch(
    /2 architectures/,
  );
  expect(await isoflop("--budgets", "4e7,8e7", "--rates", join(folder.path, "none.json"))).toMatch(
    /--rates .*none.json/,
  );
  // What would not be used is not ignored.
  expect(await isoflop("--budgets", "4e7,8e7", "--depths", "1,2")).toMatch(
    /--depths is of no use to ladders of kind isoflop; leave it out/,
  );
  expect(await refused("shape", "--sizes", "1,2,3,4,5")).toMatch(
    /--sizes is of no use to ladders of kind shape/,
  );
  expect(await refused("state", "--rungs", "3")).toMatch(/--rungs is of no use to ladders of kind state/);
  expect(await isoflop("--budgets", "4e7,8e7", "--rungs", "3")).toMatch(
    /--rungs is of no use beside --budgets/,
  );
  expect(await isoflop("--rates", "r.json", "--rate", "0.1")).toMatch(/--rate is of no use beside --rates/);
  writeFileSync(join(folder.path, "rates.json"), "{}");
  expect(await isoflop("--budgets", "4e7,8e7", "--rates", join(folder.path, "rates.json"))).toMatch(
    /no rates and series in it/,
  );
});
