// `scantling study`, `reproduce` and `compare`: what would be run, and what is refused before anything is trained.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nextLines } from "../../src/cli/study/lines.ts";
import { folderName } from "../../src/cli/study/run.ts";
import { requireMakeable } from "../../src/study/makeable.ts";
import { openStore, prepareFolder } from "../../src/study/store.ts";
import { defineTrial } from "../../src/trial/define.ts";
import { type PrepareOptions, prepareTrial } from "../../src/trial/prepare.ts";
import { readTrialFile } from "../../src/trial/read.ts";
import type { TrialResult } from "../../src/trial/result.ts";
import { interruptAfter, refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const text = join(folder.path, "abc.txt");
writeFileSync(text, "abcd bcda cdab ".repeat(300));
writeFileSync(join(folder.path, "deep.yaml"), "width: 8\nlayers: 2\nheads: 2\nactivation: gelu\n");

const study = `
arms:
  wide: { architecture: { width: 16, layers: 1, heads: 2, activation: gelu } }
  deep: deep.yaml
train: { tokens: 640 }
length: 8
batch: 4
rates: [0.003, 0.01]
seeds: 3
`;
function file(name: string, content: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
}
const asked = ["--data", text, "--backend", "reference", "--out", join(folder.path, "out")];

test("help has the options that its examples use", async () => {
  const { out } = await scantling(["study", "--help"]);
  for (const told of [
    "--dry-run",
    "--out <folder>",
    "--data <what>",
    "--seeds <k>",
    "Examples:",
    "rebuild",
  ]) {
    expect(out).toContain(told);
  }
  expect((await scantling(["study", "rebuild", "--help"])).out).toContain("index");
});

test("--dry-run says runs, FLOPs, memory and time of every arm; a .ts file is a study as well", async () => {
  const yaml = file("study.yaml", study);
  const { exitCode, out } = await scantling(["study", yaml, ...asked, "--dry-run", "--json"]);
  expect(exitCode).toBe(0);
  const { arms, runs, flops, seconds, data } = JSON.parse(out);
  expect(data.name).toBe("abc.txt");
  expect(arms.map(({ name, steps }: { name: string; steps: number }) => [name, steps])).toEqual([
    ["wide", 20],
    ["deep", 20],
  ]);
  expect(runs).toEqual([6, 8]);
  expect(flops[1]).toBeGreaterThan(flops[0]);
  expect(seconds[0]).toBeGreaterThan(0);
  const typed = file(
    "study.config.ts",
    `const arm = (layers: number) => ({ architecture: { width: 8, layers, heads: 2, activation: "gelu" } });
export default { arms: { one: arm(1), two: arm(2) }, train: { steps: 3 }, length: 8, batch: 4, rates: [0.01], stop: "full" };`,
  );
  const told = await scantling(["study", typed, ...asked, "--dry-run", "--seeds", "2"]);
  expect(told.out).toMatch(/^study: abc\.txt, 0\.02 epochs at most, 2 seeds, all rates and seeds/);
  expect(told.out).toMatch(/all: 4 runs/);
});

const large = `
arms:
  wide: { architecture: { width: 64, layers: 1, heads: 2 } }
  deep: { architecture: { width: 64, layers: 4, heads: 2 } }
train: { seconds: 1 }
length: 32
batch: 8
rates: [0.01]
`;

test("an interrupt ends the timing of arms, and nothing is kept of it", async () => {
  for (const more of [["--dry-run"], []]) {
    const signal = interruptAfter(200);
    const outcome = await scantling(["study", file("large.yaml", large), ...asked, ...more], { signal });
    expect(outcome).toEqual({ exitCode: 130, out: "", err: "" });
  }
  expect(existsSync(join(folder.path, "out"))).toBe(false);
});

test("speeds that runs are as long as stay when another study is asked for in their folder", async () => {
  const out = join(folder.path, "timed");
  const paces = join(out, ".paces.json");
  const timed = study.replace("tokens: 640", "seconds: 4");
  const prepare = (content: string) =>
    prepareTrial({
      input: readTrialFile(file("timed.yaml", content)),
      ...{ architectures: folder.path, folder: out, backend: "reference" },
    });
  await prepare(timed);
  const kept = readFileSync(paces, "utf8");
  await prepare(timed);
  expect(readFileSync(paces, "utf8")).toBe(kept);
  writeFileSync(join(out, "study.json"), "{}");
  await prepare(timed.replace("batch: 4", "batch: 2"));
  expect(readFileSync(paces, "utf8")).toBe(kept);
});

test("--dry-run refuses the folder of a study that was edited, as the run does", async () => {
  const out = join(folder.path, "edited");
  const { trial } = await prepareTrial({
    input: readTrialFile(file("edited.yaml", `${study}data: ${text}\n`)),
    ...{ architectures: folder.path, backend: "reference" },
  });
  prepareFolder(out);
  openStore(out, trial.json);
  const edited = file("edited.yaml", `${study}data: ${text}\nmargin: 0.1\n`);
  const { exitCode, err } = await refusal([
    ...["study", edited, "--backend", "reference", "--out", out, "--dry-run"],
  ]);
  expect(exitCode).toBe(2);
  expect(err).toMatch(/holds another study: margin is 0\.01 there and 0\.1 here/);
});

test("the same data are the same study, however their place is written, and in a folder of an earlier version", async () => {
  const moved = join(folder.path, "moved", "def.txt");
  mkdirSync(join(folder.path, "moved"));
  copyFileSync(text, moved);
  const prepare = async (data: string, more: Partial<PrepareOptions> = {}) =>
    (
      await prepareTrial({
        input: readTrialFile(file("spelled.yaml", `${study}data: ${data}\n`)),
        ...{ architectures: folder.path, ...more },
      })
    ).trial;
  const first = await prepare(text);
  for (const data of [relative(".", text), join(folder.path, "moved", "..", "abc.txt"), moved]) {
    expect((await prepare(data)).json).toEqual(first.json);
  }
  expect((await prepare(text, { backend: "reference" })).json).toEqual(first.json);
  const input = readTrialFile(file("spelled.yaml", `${study}data: ${text}\n`));
  const literal = defineTrial(input, { data: first.data, folder: folder.path });
  expect(literal.json).not.toEqual(first.json);
  const out = join(folder.path, "literal");
  prepareFolder(out);
  openStore(out, literal.json);
  expect((await prepare(text, { folder: out })).json).toEqual(literal.json);
});

test("a folder that cannot be made is refused before anything is measured, and nothing is left of the trial", async () => {
  const yaml = file("large.yaml", large);
  for (const [out, why] of [
    [join(text, "below"), ": a file is in the way"],
    [text, ": a file is in the way"],
    ["/proc/nope/below", ""],
  ] as const) {
    for (const words of [
      ["study", yaml, ...asked.slice(0, 4)],
      ["reproduce", "wide-or-deep"],
    ]) {
      const { exitCode, err } = await refusal([...words, "--out", out]);
      expect([exitCode, err]).toEqual([
        2,
        expect.stringContaining(`${out} cannot be made${why}; choose another folder`),
      ]);
    }
  }
  const below = join(folder.path, "not", "yet");
  requireMakeable(below);
  expect(existsSync(join(folder.path, "not"))).toBe(false);
});

test("threads that no run could have are refused before the first, and leave no failures behind", async () => {
  const yaml = file("threads.yaml", study);
  const out = join(folder.path, "threads");
  for (const words of [
    ["study", yaml, "--data", text],
    ["reproduce", "striping"],
    ["mad", "min-gru", "striped-hyena", "--profile", "quick", "--tasks", "in-context-recall"],
    [
      "ladder",
      "isoflop",
      "--budgets",
      "3e9,6e9,1.2e10,2.4e10",
      "--layers",
      "1",
      "--length",
      "32",
      "--batch",
      "8",
    ],
    ["design", "--budget", "1e12flops", "--parameters", "20k", "--length", "32", "--batch", "4"],
  ]) {
    const { exitCode, err } = await refusal([...words, "--out", out, "--threads", "1000"]);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringMatching(/--threads 1000: .* at most 64; ask for fewer/),
    ]);
    expect(existsSync(out)).toBe(false);
  }
});

test("a folder has its study's name in any script, and the command that is told next can be typed", () => {
  expect(folderName("wide or deep/..")).toBe("wide-or-deep-..");
  expect(folderName("幅 か 深さ")).toBe("幅-か-深さ");
  expect(folderName("..")).toBe("study");
  const result = { builtIn: "language", measure: "loss" } as unknown as TrialResult;
  expect(nextLines(result, "a/b.yaml")[0]).toContain("npx scantling study a/b.yaml --data");
  expect(nextLines(result, "two words.yaml")[0]).toContain('npx scantling study "two words.yaml" --data');
});

test("what is wrong with a study is one line", async () => {
  const refused = async (content: string, ...words: string[]) => {
    const { exitCode, err } = await refusal(["study", file("wrong.yaml", content), ...asked, ...words]);
    expect(exitCode).toBe(2);
    return err;
  };
  expect(await refused(study.replace("deep.yaml", "deap.yaml"))).toMatch(/deap\.yaml: there is no such file/);
  expect(await refused(study.replace("deep.yaml", "gpt5"))).toMatch(/did you mean gpt2/);
  const unknown = await refused(study.replace("deep.yaml", "nosuch"));
  expect(unknown).toMatch(/study: arms\.deep: architecture "nosuch" is neither a preset nor a file/);
  expect(unknown.length).toBeLessThan(300);
  expect(await refused(`${study}equal: { tolerance: 0.001 }\n`)).toMatch(
    /parameters \(total\).*expected within 0\.10 %/,
  );
  expect(await refused(`${study}spend: 1000flops\n`)).toMatch(/too small for one run of each arm/);
  expect(await refused(study.replace("640", "640000"))).toMatch(/epochs; expected at most 4/);
  expect(await refused("arms: [1, 2]\ntrain: { steps: 2 }\nrates: [1]\n")).toMatch(
    /expected architectures by name/,
  );
  expect(await refused("- 1\n")).toMatch(/expected an object/);
  expect(await refused("rates: [1]\n")).toMatch(/train is missing; expected how long each run is trained/);
  expect((await refusal(["study", file("wrong.yaml", `${study}data: 5\n`)])).err).toMatch(
    /data is 5; expected a name or a path/,
  );
  expect(await refused(`${study}name: ""\n`)).toMatch(/name is ""; expected a name/);
  expect(await refused(study.replace("tokens: 640", "steps: 1e300"))).toMatch(
    /steps is 1e\+300; expected a whole number of at most 2147483647/,
  );
  const endless = await refused(study.replace("tokens: 640", "flops: 1e300"));
  expect(endless).toMatch(/e\+\d+ epochs; expected at most 4/);
  expect(endless.length).toBeLessThan(300);
  expect(await refused(`${study}equal:\n`)).toMatch(/study: equal/);
  expect(await refused(`${study}training: { schedule: 3 }\n`)).toMatch(
    /training\.schedule is 3; expected settings/,
  );
  const family =
    "family: { architecture: { activation: gelu }, depths: [1, 3] }\ntrain: { steps: 2 }\nrates: [0.1]\n";
  expect(await refused(`${family}equal: { parameters: 900, tolerance: 0.001 }\n`)).toMatch(
    /change equal\.parameters, family\.depths or equal\.tolerance/,
  );
  expect(await refused(`${family}equal: { parameters: 10 }\n`)).toMatch(
    /study: family: depth 1: no width meets/,
  );
  expect(await refused(study.replace("deep.yaml", "&a { architecture: &b { stripe: *b } }"))).toMatch(
    /arms\.deep/,
  );
  expect((await refusal(["study", join(folder.path, "none.yaml")])).err).toMatch(/there is no such file/);
  expect((await refusal(["study", text])).err).toMatch(
    /expected a study, a \.yaml, \.json, \.ts or \.js file/,
  );
  expect((await refusal(["study", "rebuild", folder.path])).err).toMatch(/holds no study/);
});

test("claims are listed with what they cost; an unknown one is refused", async () => {
  const { out } = await scantling(["reproduce", "--list"]);
  expect(out).toMatch(/^wide-or-deep +small +40 runs +\S+ FLOPs +\S+ (min|h) /m);
  expect((await refusal(["reproduce", "wide-and-deep"])).err).toMatch(/did you mean wide-or-deep\?/);
  expect((await refusal(["reproduce"])).err).toMatch(/expected one of wide-or-deep/);
});

test("runs that differ in their seed alone are one arm, compared seed by seed in a report", async () => {
  const train = async (layers: number, seed: number) => {
    const out = join(folder.path, `layers${layers}-seed${seed}`);
    const model = ["--layers", String(layers), "--width", "8", "--heads", "2", "--length", "8"];
    const words = [
      "--data",
      text,
      "--backend",
      "reference",
      "--steps",
      "3",
      "--batch",
      "2",
      "--sample-tokens",
      "0",
    ];
    const { exitCode, err } = await scantling([
      ...["train", ...model, ...words, "--seed", String(seed), "--out", out],
    ]);
    expect([exitCode, err.includes("scantling: ")]).toEqual([0, false]);
    return out;
  };
  const runs = [await train(1, 1), await train(1, 2), await train(2, 1), await train(2, 2)];
  const report = join(folder.path, "compare.html");
  const { exitCode, out } = await scantling(["compare", ...runs, "--out", report, "--json"]);
  expect(exitCode).toBe(0);
  const { arms, pairs } = JSON.parse(out);
  expect(arms).toEqual(["layers1", "layers2"]);
  expect(pairs[0]).toMatchObject({ first: "layers1", second: "layers2", seeds: 2 });
  expect(readFileSync(report, "utf8")).toContain("Loss over training FLOPs");
  expect((await refusal(["compare", ...runs, "--out", report])).err).toMatch(/the file exists/);
  expect((await refusal(["compare", runs[0]!, runs[0]!])).err).toMatch(/is named twice/);
  expect((await refusal(["compare", runs[0]!])).err).toMatch(/1 run; expected from 2/);
  expect((await refusal(["compare", runs[0]!, folder.path])).err).toMatch(/holds no run/);
});

test("a study of which no arm has a result ends with 1 and says why, and with its report", async () => {
  const yaml = file("failing.yaml", study.replace("[0.003, 0.01]", "[1e30]"));
  const out = join(folder.path, "failing");
  const { exitCode, err } = await scantling(["study", yaml, "--data", text, "--out", out, "--seeds", "2"]);
  expect([exitCode, err]).toEqual([
    1,
    expect.stringMatching(/study: all \d runs failed, such as .*: .*; see .*report\.html\n$/),
  ]);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain("failed");
}, 120_000);
