// `scantling plan --rates` and `--rate`: measured rates at the planned width and depth, and refusals.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defineArchitecture } from "../../../src/architecture/architecture.ts";
import { storedParameters } from "../../../src/growth/plan.ts";
import { parametrisedParameters } from "../../../src/train/parametrisation/parametrise.ts";
import { withBase } from "../../../src/transfer/request.ts";
import { refusal, scantling, temporaryFolder } from "../harness.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

interface Series {
  readonly axis: "width" | "depth";
  readonly parametrisation: string;
  readonly verdict?: string;
  readonly from: number;
  readonly best: readonly number[];
}

function measurement(name: string, ...all: readonly Series[]): string {
  const series = all.map(({ axis, parametrisation, verdict = "stays", from, best }) => ({
    ...{ axis, parametrisation, verdict },
    sizes: best.map((place, i) => ({ size: from * 2 ** i, best: place })),
  }));
  const path = join(folder.path, name);
  writeFileSync(path, JSON.stringify({ rates: [0.001, 0.002, 0.004, 0.008], series }));
  return path;
}
const mup: Series = { axis: "width", parametrisation: "mup", from: 64, best: [2, 1, 2] };
const widths: Series = { axis: "width", parametrisation: "completep", from: 64, best: [2, 2] };
const depths: Series = { axis: "depth", parametrisation: "completep", from: 2, best: [1, 1] };

const words = ["plan", "--flops", "1e18", "--vocabulary", "1000", "--length", "256"];
async function planOf(...more: string[]) {
  const { out, err, exitCode } = await scantling([...words, ...more, "--json"]);
  expect([exitCode, err]).toEqual([0, ""]);
  return JSON.parse(out);
}

test("under mup the rate is the mean of those that stay, and by role what training makes of it", async () => {
  const file = measurement("mup.json", mup);
  const { recipe, shape } = await planOf("--parametrisation", "mup", "--rates", file);
  expect(recipe.rate).toBeCloseTo((0.004 * 0.002 * 0.004) ** (1 / 3), 12);
  const [outer, matrices, others] = recipe.rates;
  expect([outer.factor, others.factor]).toEqual([1, 1]);
  expect(matrices.factor).toBeCloseTo(64 / shape.width, 12);
  expect(matrices.rate).toBeCloseTo(recipe.rate * matrices.factor, 15);
  const { out } = await scantling([...words, "--parametrisation", "mup", "--rates", file]);
  expect(out).toMatch(
    /^rate +0\.0032; muP, measured at width 64 .*widths 64, 128, 256.*says nothing of depth$/m,
  );
  expect(out).toContain(`matrices of blocks × ${Number((64 / shape.width).toPrecision(3))} = `);
  expect(out).not.toContain("find the best rate");
});

test.each(["depth-mup", "completep"] as const)(
  "factors under %s are those of training, parameter by parameter",
  async (kind) => {
    const given = ["--rate", "0.004", "--base-width", "64", "--base-depth", "2"];
    const { recipe, shape } = await planOf("--parametrisation", kind, ...given);
    // The same shape as data: what training makes of it does not go by the plan.
    const { width, heads, feedforward, depth } = shape;
    const architecture = defineArchitecture({
      ...{ vocabulary: 1000, length: 256, width, norm: "rms", positions: "rope", repeat: depth },
      stripe: `[attention(heads: ${heads}, kvHeads: ${heads}), swiglu(feedforward: ${feedforward})]`,
    });
    const trained = parametrisedParameters(
      architecture,
      storedParameters(architecture),
      withBase(kind, 64, 2),
    );
    const factors = recipe.rates.map(({ factor }: { factor: number }) => factor.toPrecision(9));
    const found = new Set([...trained.values()].map(({ factors: own }) => own!.rate.toPrecision(9)));
    expect(found).toEqual(new Set(factors));
    expect(recipe.rateRule).toContain("residual branches × ");
  },
);

test("a measurement over widths and depths tells both bases; one over widths alone needs the depth", async () => {
  const both = measurement("both.json", widths, depths);
  const { recipe } = await planOf("--parametrisation", "completep", "--rates", both);
  expect(recipe.rate).toBeCloseTo(Math.sqrt(0.004 * 0.002), 12);
  expect(recipe.rateRule).toMatch(/^CompleteP, measured at width 64 and depth 2/);
  const alone = ["--parametrisation", "completep", "--rates", measurement("alone.json", widths)];
  const refused = await refusal([...words, ...alone]);
  expect(refused.err).toMatch(/the depth that the rate holds at is not known; give --base-depth$/);
  expect((await planOf(...alone, "--base-depth", "4")).recipe.rateRule).toContain("depth 4");
});

test("what does not belong together is refused in one line", async () => {
  const refused = async (...more: string[]) => {
    const { err, exitCode } = await refusal([...words, ...more]);
    expect(exitCode).toBe(2);
    return err;
  };
  const under = (kind: string, ...more: string[]) => refused("--parametrisation", kind, ...more);
  const file = measurement("mup.json", mup);
  expect(await under("completep", "--rates", file)).toMatch(
    /measured under mup; expected completep, as --parametrisation says/,
  );
  expect(await refused("--rates", file)).toMatch(/^--rates is of no use to --parametrisation standard/);
  expect(await refused("--base-width", "64")).toMatch(/^--base-width is of no use without --rate or --rates/);
  expect(await under("mup", "--rate", "0.004")).toMatch(/give --base-width$/);
  expect(await under("mup", "--rates", file, "--base-width", "32")).toMatch(
    /^--base-width 32: .* from 64 on; leave it out/,
  );
  expect(await under("mup", "--rates", file, "--base-depth", "2")).toMatch(
    /^--base-depth is of no use to --parametrisation mup/,
  );
  expect(await under("mup", "--rates", file, "--rate", "1")).toMatch(/cannot be used with/);
  const edge = measurement("edge.json", { ...mup, verdict: "edge" });
  expect(await under("mup", "--rates", edge)).toMatch(/its verdict on mup is edge/);
  const deep = measurement("deep.json", { ...depths, parametrisation: "mup" });
  expect(await under("mup", "--rates", deep)).toMatch(/no series over widths under mup/);
  expect(await under("mup", "--rates", join(folder.path, "none.json"))).toMatch(
    /^--rates .*none\.json: .*scantling transfer --json/,
  );
  expect((await refusal(["plan", "--table", "--flops", "1e17", "--rates", file])).err).toMatch(
    /--rates is of no use to --table/,
  );
});
