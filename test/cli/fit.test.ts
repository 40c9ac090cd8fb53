// `scantling fit`: its document, its page, held-out runs, and what it refuses.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { predict } from "../../src/scaling/law.ts";
import { chinchilla } from "../../src/scaling/laws/chinchilla.ts";
import { chinchillaFile, drawRuns, overtrainingFile, trueConstants } from "../scaling/data.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const fast = ["--bootstraps", "20", "--threads", "1"];

function write(name: string, lines: readonly string[]): string {
  const file = join(folder.path, name);
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

function runsFile(name: string, noise = 0.005): string {
  const { inputs, outputs } = drawRuns(chinchilla, trueConstants(chinchilla), 60, noise, 8);
  return write(name, ["n_params,tokens,Val Loss", ...inputs.map(([n, d], i) => `${n},${d},${outputs[i]}`)]);
}

function valleyFile(name: string): string {
  const rows = [1e18, 1e19, 1e20].flatMap((flops) =>
    [-2, -1, 0, 1, 2].map((step) => {
      const parameters = Math.sqrt(flops / 6) * 2 ** step;
      return `${parameters},${flops},${predict(chinchilla, [400, 400, 1.7, 0.35, 0.35], [parameters, flops / 6 / parameters])}`;
    }),
  );
  return write(name, ["parameters,flops,loss", ...rows]);
}

describe.skipIf(chinchillaFile === null)("published runs", () => {
  test("the refit of Chinchilla is one command", async () => {
    const { out, exitCode } = await scantling([
      "fit",
      chinchillaFile!,
      "--law",
      "chinchilla",
      "--json",
      ...fast,
    ]);
    expect(exitCode).toBe(0);
    const document = JSON.parse(out);
    expect(document.points).toBe(240);
    expect(Math.abs(document.constants.A.value - 477.8)).toBeLessThan(0.5);
    expect(document.objective).toBeCloseTo(0.0010183, 7);
    expect(document.columns.tokens).toBe("flops / (6 · parameters)");
    expect(document.diagnostics).toContainEqual({
      kind: "left out",
      text: "5 of 245 runs, those with the highest loss, are left out",
    });
  });

  test.each([
    [
      "rpj",
      [
        ["1b-32.0", 0.71],
        ["7b-1.0", 0.73],
      ],
    ],
    [
      "rw_original",
      [
        ["1b-16.0", 0.01],
        ["7b-1.0", 1.62],
      ],
    ],
    [
      "c4_original",
      [
        ["1b-4.0", 1.5],
        ["7b-1.0", 4.3],
      ],
    ],
  ] as const)("overtraining on %s: five small runs predict the large ones", async (data, expected) => {
    const small = [
      "d=96_l=8_h=4-1.0",
      "d=96_l=8_h=4-16.0",
      "d=512_l=8_h=4-1.0",
      "d=576_l=24_h=8-1.0",
      "d=1024_l=24_h=8-1.0",
    ];
    const { out } = await scantling([
      ...["fit", overtrainingFile!, "--law", "overtraining", "--json", ...fast],
      ...[
        "--columns",
        "loss=loss_c4_val",
        "--where",
        `name=${small.map((name) => `${data}-${name}`).join("|")}`,
      ],
      ...["--predict", `name=${expected.map(([name]) => `${data}-open_lm_${name}`).join("|")}`],
    ]);
    const { points, heldOut } = JSON.parse(out);
    expect(points).toBe(5);
    expect(heldOut.map(({ error }: { error: number }) => Number((100 * Math.abs(error)).toFixed(2)))).toEqual(
      expected.map(([, error]) => error),
    );
  });
});

test("a fit is told, written for plan, and drawn", async () => {
  const file = runsFile("runs.csv");
  const [out, page] = [join(folder.path, "law.json"), join(folder.path, "law.html")];
  const told = await scantling(["fit", file, "--law", "chinchilla", "--out", out, "--report", page, ...fast]);
  expect(told.exitCode).toBe(0);
  expect(told.out).toMatch(/alpha +0\.3\d+ +± /);
  expect(told.out).toContain("parameters from n_params");
  expect(readFileSync(page, "utf8")).toContain("<svg");
  const plan = await scantling(["plan", "--flops", "1e21", "--law", out, "--json"]);
  expect(plan.exitCode).toBe(0);
  const { law, lossInterval, loss } = JSON.parse(plan.out);
  expect(law).toBe(out);
  expect(lossInterval[0]).toBeLessThan(loss);
  writeFileSync(out, readFileSync(out, "utf8").replace('"covariance":[', '"covariance":[[1],'));
  expect((await refusal(["plan", "--flops", "1e21", "--law", out])).err).toMatch(/covariance is not 5 by 5/);
});

test("valleys are drawn, with their minima", async () => {
  const page = join(folder.path, "valleys.html");
  const { out } = await scantling([
    "fit",
    valleyFile("valleys.csv"),
    "--law",
    "isoflop",
    "--json",
    "--report",
    page,
    ...fast,
  ]);
  const { constants, valleys } = JSON.parse(out);
  expect(constants.a.value).toBeCloseTo(0.5, 3);
  expect(valleys).toHaveLength(3);
  expect(readFileSync(page, "utf8")).toContain("Valleys of equal FLOPs");
});

test("a poor fit is said in the first line", async () => {
  const { out } = await scantling(["fit", runsFile("noise.csv", 0.3), "--law", "chinchilla", ...fast]);
  expect(out.split("\n")[0]).toMatch(/^POOR FIT: the law misses the runs by \d+/);
});

test("constants from elsewhere are judged", async () => {
  const { out } = await scantling([
    "fit",
    runsFile("compare.csv"),
    "--law",
    "chinchilla",
    "--compare",
    "besiroglu",
    ...fast,
  ]);
  expect(out).toContain("objective of the constants to compare");
});

const good = (rows: readonly string[]) => ["parameters,tokens,loss", ...rows];
const row = (i: number) => `${1e8 * 2 ** i},${1e9 * 3 ** (i % 3)},${3 - i / 10}`;
const six = [0, 1, 2, 3, 4, 5].map(row);

test.each([
  [
    "a misnamed column",
    ["parameters,tokens,train_loss", ...six],
    /no column for loss.*--columns loss=train_loss/,
  ],
  [
    "tokens in billions",
    good(["1e8,20.2,3", ...six]),
    /row 2, column "tokens" is 20.2, which cannot be tokens.*in millions or billions/,
  ],
  ["a duplicate", good([...six, row(2)]), /rows 4 and 8 are the same run; remove one/],
  ["NaN", good([...six, "1e9,1e10,NaN"]), /row 8, column "loss" is "NaN"; expected a number/],
  ["an empty cell", good([...six, "1e9,,2"]), /row 8, column "tokens" is ""/],
  [
    "a row behind others that are left empty",
    good([...six.slice(0, 3), "", ...six.slice(3), "1e9,1e10,NaN"]),
    /row 9, column "loss" is "NaN"/,
  ],
  [
    "all columns misnamed",
    ["n of params,toks seen,cross_entropy_val,kind", "1e9,1e10,2,a"],
    /no column for parameters \(parameters\), tokens \(tokens\), loss .*--columns parameters="n of params" --columns tokens=.* --columns loss=cross_entropy_val;/,
  ],
  [
    "one number of tokens",
    good([1, 2, 3, 4, 5, 6].map((n) => `${n}e8,1e10,${2 + n / 100}`)),
    /all runs have the same tokens, 10000000000; expected two that differ/,
  ],
  ["too few runs", good(six.slice(0, 4)), /4 runs for 5 constants/],
  [
    "one budget",
    good([1, 2, 3, 4, 5, 6].map((n) => `${n}e8,${6e10 / n},${2 + n / 100}`)),
    /all runs have one budget/,
  ],
  ["a negative loss", good([...six, "1e9,1e10,-1"]), /is -1, which cannot be loss/],
  ["a short row", good([...six, "1e9,1e10"]), /row 8 has 2 cells; expected 3/],
  ["no rows", ["parameters,tokens,loss"], /no rows below the header/],
  ["no table", ["hello"], /no table/],
  ["a column twice", ["loss,tokens,loss", "1,2,3"], /two columns are called "loss"/],
])("%s is one line", async (name, lines, expected) => {
  const { err, exitCode } = await refusal([
    "fit",
    write(`${name}.csv`, lines),
    "--law",
    "chinchilla",
    ...fast,
  ]);
  expect(exitCode).toBe(2);
  expect(err).toMatch(expected);
});

test("runs of one budget, or at one place, are refused for every law that is about more", async () => {
  const rows = [1, 2, 3, 4, 5, 6].map((n) => `${n}e8,${6e10 / n},1e10,${2 + n / 100}`);
  const file = write("one.csv", ["parameters,tokens,state,loss", ...rows]);
  const refused = async (law: string, ...words: string[]) =>
    (await refusal(["fit", file, "--law", law, ...words, ...fast])).err;
  expect(await refused("overtraining")).toMatch(/overtraining: all runs have one budget/);
  expect(await refused("state", "--columns", "perplexity=loss")).toMatch(
    /all runs have the same state, 10000000000/,
  );
});

test("rows are named by their place in the file, whichever are chosen", async () => {
  const rows = six.flatMap((one, i) => [`${one},a`, `${i}e8,1e10,oops,b`]);
  const file = write("chosen.csv", ["parameters,tokens,loss,kind", ...rows, "1e9,1e10,NaN,a"]);
  const { err } = await refusal(["fit", file, "--law", "chinchilla", "--where", "kind=a", ...fast]);
  expect(err).toMatch(/row 14, column "loss" is "NaN"/);
});

test("a column that the law does not need may hold anything", async () => {
  const file = write("text.csv", [
    "parameters,tokens,loss,C",
    ...[...six, row(7)].map((one) => `${one},web`),
  ]);
  expect((await scantling(["fit", file, "--law", "chinchilla", ...fast])).exitCode).toBe(0);
});

test("what runs cannot tell is said first, without intervals", async () => {
  const first = async (name: string, law: string, lines: readonly string[]) =>
    (await scantling(["fit", write(name, lines), "--law", law, ...fast])).out;
  const { inputs, outputs } = drawRuns(chinchilla, trueConstants(chinchilla), 60, 0.005, 8);
  const scaled = inputs.map(([n, d], i) => `${n},${d! / 1e5},${outputs[i]}`);
  expect(await first("units.csv", "chinchilla", good(scaled))).toMatch(/^UNLIKELY UNITS: half of the runs/);
  const ratio = inputs.map(([n], i) => `${n},${20 * n!},${outputs[i]}`);
  expect(await first("ratio.csv", "chinchilla", good(ratio))).toContain(
    "parameters and tokens go together in these runs",
  );
  const noise = [1e18, 1e19, 1e20, 1e21].flatMap((flops, i) =>
    [-2, -1, 0, 1, 2].map(
      (step) =>
        `${1e8 * 3 ** i * 2 ** step},${flops},${3 + 0.01 * step ** 2 + (step % 2 === 0 ? 0.2 : -0.2)}`,
    ),
  );
  expect(await first("noise.csv", "isoflop", ["parameters,flops,loss", ...noise])).toMatch(
    /^POOR FIT: at 1.00e\+18 FLOP losses lie 0\.\d+ about a parabola/,
  );
});

test("other wrong requests are one line", async () => {
  const file = runsFile("fine.csv");
  const refused = async (...words: string[]) => (await refusal(["fit", file, ...words, ...fast])).err;
  expect(await refused("--law", "chinchila")).toMatch(/did you mean chinchilla\?/);
  expect(await refused("--law", "chinchilla", "--columns", "los=x")).toMatch(/did you mean loss\?/);
  expect(await refused("--law", "chinchilla", "--columns", "loss=Val Los")).toMatch(
    /did you mean "Val Loss"\?/,
  );
  expect(await refused("--law", "chinchilla", "--where", "tokens=7")).toMatch(/no row has tokens=7/);
  expect(await refused("--law", "chinchilla", "--compare", "A=1")).toMatch(/no number for B/);
  expect(await refused("--law", "isoflop", "--compare", "besiroglu")).toMatch(
    /--compare is of no use to --law isoflop/,
  );
  const few = await refusal(["fit", file, "--law", "chinchilla", "--bootstraps", "1"]);
  expect(few.err).toMatch(/--bootstraps.*Expected 0, or 20 to 100000/);
  expect(await refused("--law", "isoflop")).toMatch(/0 of \d+ budgets have 4 sizes/);
  expect((await refusal(["fit", join(folder.path, "none.csv"), "--law", "chinchilla"])).err).toMatch(
    /no such file/,
  );
  expect((await refusal(["fit", folder.path, "--law", "chinchilla"])).err).toMatch(/it is a folder/);
});
