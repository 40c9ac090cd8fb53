// `scantling plan --law FILE`: fits of every kind that plan, their doubts, what they are worth, and files that are refused.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { predict } from "../../../src/scaling/law.ts";
import { chinchilla } from "../../../src/scaling/laws/chinchilla.ts";
import { refusal, scantling, temporaryFolder } from "../harness.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const fileOf = (name: string) => join(folder.path, name);

function write(name: string, document: unknown): string {
  writeFileSync(fileOf(name), JSON.stringify(document));
  return fileOf(name);
}

/** Valleys with a little noise, so that lines through their minima have an interval. */
async function fitOf(law: "isoflop" | "envelope"): Promise<string> {
  const budgets = law === "isoflop" ? [1e18, 1e19, 1e20, 1e21] : [1e17, 1e18, 1e19, 1e20, 1e21];
  const rows = budgets.flatMap((flops, i) =>
    [-2, -1, 0, 1, 2].map((step) => {
      const parameters = law === "isoflop" ? Math.sqrt(flops / 6) * 2 ** step : 3e7 * 10 ** (step + 2);
      const loss = predict(chinchilla, [400, 400, 1.7, 0.35, 0.35], [parameters, flops / 6 / parameters]);
      return `${parameters},${flops},${loss * (1 + 1e-4 * Math.sin(7 * i + 3 * step))}`;
    }),
  );
  writeFileSync(fileOf(`${law}.csv`), `parameters,flops,loss\n${rows.join("\n")}\n`);
  const out = fileOf(`${law}.json`);
  const words = ["fit", fileOf(`${law}.csv`), "--law", law, "--bootstraps", "20", "--out", out, "--force"];
  expect((await scantling(words)).exitCode).toBe(0);
  return out;
}

async function planOf(...words: string[]) {
  const { out, exitCode } = await scantling(["plan", ...words, "--json"]);
  expect(exitCode).toBe(0);
  return JSON.parse(out);
}

test.each(["isoflop", "envelope"] as const)("a fit of %s plans by its own k and a", async (law) => {
  const file = await fitOf(law);
  const { k, a } = JSON.parse(readFileSync(file, "utf8")).constants;
  const plan = await planOf("--flops", "1e20", "--law", file);
  expect(plan.parameters).toBeCloseTo(k.value * 1e20 ** a.value, -3);
  expect(plan.parameters * plan.tokens * 6).toBeCloseTo(1e20, -8);
  expect(plan.loss).toBeNull();
  expect(plan.warnings).toEqual([]);
  if (law === "envelope") {
    expect(plan.parametersInterval).toBeNull();
  } else {
    const [low, high] = plan.parametersInterval;
    expect(low).toBeLessThan(plan.parameters);
    expect(high).toBeGreaterThan(plan.parameters);
    expect(high / low).toBeLessThan(1.5);
    const { out } = await scantling(["plan", "--flops", "1e20", "--law", file]);
    expect(out).toMatch(/parameters +4\.\d+G \[\d\.\d+G, \d\.\d+G\]/);
    expect(
      (await planOf("--flops", "1e20", "--parameters", "1G", "--law", file)).parametersInterval,
    ).toBeNull();
  }
  // The range is that of the fit, not that of Hoffmann et al.
  const { out } = await scantling(["plan", "--flops", "1e23", "--law", file]);
  expect(out.split("\n")[0]).toMatch(
    /^EXTRAPOLATION: .* times above the runs that law .*\.json was fitted to/,
  );
  const { err } = await refusal(["plan", "--loss", "2", "--law", file]);
  expect(err).toMatch(/knows no loss away from its optimum/);
});

const residuals = [
  { inputs: [1e8, 2e9, 2e9], measured: 3, predicted: 3 },
  { inputs: [1e9, 2e10, 2e10], measured: 2.5, predicted: 2.5 },
];
const constantsOf = (values: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
const fitted = {
  law: "chinchilla",
  convention: "losses of my own text",
  constants: constantsOf({ A: 400, B: 400, E: 1.7, alpha: 0.35, beta: 0.35 }),
  ...{ covariance: null, residuals, diagnostics: [] },
};

test("doubts about a fit are told first, and again by --table", async () => {
  const diagnostics = [
    { kind: "narrow range", text: "tokens span little" },
    { kind: "poor fit", text: "it misses by 9 %" },
  ];
  const file = write("poor.json", { ...fitted, diagnostics });
  const { out } = await scantling(["plan", "--flops", "1e22", "--law", file]);
  const lines = out.split("\n");
  expect(lines[0]).toBe(`POOR FIT: law ${file}: it misses by 9 %`);
  expect(lines[1]).toMatch(/^EXTRAPOLATION/);
  expect(out).toContain("losses of my own text");
  expect(out).not.toContain("MassiveText");
  expect((await scantling(["plan", "--table", "--flops", "1e19", "--law", file])).out).toMatch(/^POOR FIT/);
});

test("unique tokens are for fits of data-constrained, worth what the fit's own constant says", async () => {
  const values = { A: 520, B: 1488, E: 1.87, alpha: 0.353, RD: 4, RN: 5.3 };
  const own = write("own.json", { ...fitted, law: "data-constrained", constants: constantsOf(values) });
  const words = ["--flops", "1e20", "--unique-tokens", "200M", "--law", own];
  const { tokens, epochs, effectiveTokens } = await planOf(...words);
  expect(epochs).toBeGreaterThan(4);
  expect(effectiveTokens).toBeCloseTo((tokens / epochs) * (1 + 4 * (1 - Math.exp(-(epochs - 1) / 4))), -2);
  const other = write("other.json", fitted);
  const { err, exitCode } = await refusal([
    "plan",
    "--flops",
    "1e20",
    "--unique-tokens",
    "1G",
    "--law",
    other,
  ]);
  expect(exitCode).toBe(2);
  expect(err).toMatch(/^--unique-tokens is of use to --law data-constrained alone/);
});

test.each([
  [
    { ...fitted, law: "kaplan-n" },
    /a fit of law kaplan-n knows no optimum .*expected one of chinchilla, .*isoflop, envelope$/,
  ],
  [{ ...fitted, law: "foo" }, /a fit of law foo knows no optimum/],
  [{ rungs: [], law: null }, /law is not as scantling fit --out writes it; fit again$/],
  [[], /law is not as scantling fit --out writes it/],
  [{ ...fitted, covariance: [[1]] }, /covariance is not 5 by 5/],
  [{ ...fitted, residuals: [] }, /residuals is not as/],
  [{ ...fitted, constants: {} }, /not all of A, B, E, alpha, beta are in it/],
  [{ ...fitted, law: "isoflop" }, /constants\.k is not as/],
])("file %# is refused in one line", async (document, expected) => {
  const { err, exitCode } = await refusal([
    "plan",
    "--flops",
    "1e20",
    "--law",
    write("wrong.json", document),
  ]);
  expect(exitCode).toBe(2);
  expect(err).toMatch(expected);
});
