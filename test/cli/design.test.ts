// `scantling design`: what would be tried, and what is refused before anything is trained.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { interruptAfter, refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const text = join(folder.path, "abc.txt");
writeFileSync(text, "abcd bcda cdab ".repeat(30_000));
writeFileSync(join(folder.path, "deep.yaml"), "width: 8\nlayers: 2\nheads: 2\nactivation: gelu\n");
const file = join(folder.path, "candidates.yaml");
writeFileSync(file, "wide: { architecture: { width: 16, layers: 1, heads: 2 } }\ndeep: deep.yaml\n");

const small = ["--length", "8", "--batch", "4", "--backend", "reference", "--out", join(folder.path, "out")];
const asked = ["--data", text, ...small];
const own = ["--candidates", file];

test("--dry-run says candidates, rungs and what they cost", async () => {
  const words = ["design", "--budget", "3e9flops", ...own, ...asked, "--dry-run"];
  const { exitCode, out } = await scantling([...words, "--json"]);
  expect(exitCode).toBe(0);
  const { candidates, rungs, final, runs } = JSON.parse(out);
  expect(candidates.map(({ name }: { name: string }) => name)).toEqual(["wide", "deep"]);
  expect(final).toBe(1.5e9);
  expect(rungs).toHaveLength(1);
  expect(runs).toBe(2 * 3 + 2 * 2);
  const told = await scantling(words);
  expect(told.out).toMatch(/^abc\.txt: 2 candidates/);
  expect(told.out).toMatch(/rung 1: 2 candidates, 3 rates, 10 runs of 1\.50e\+8 FLOPs, \d+ to \d+ updates\n/);
});

test("what is wrong is one line", async () => {
  const refused = async (...words: string[]) => {
    const { exitCode, err } = await refusal(["design", ...asked, ...words]);
    expect(exitCode).toBe(2);
    return err;
  };
  expect(await refused()).toMatch(/--budget/);
  expect(await refused("--budget", "often")).toMatch(
    /budget often: expected time or FLOPs, such as 2h or 3e14flops$/,
  );
  expect(await refused("--budget", "1e9flops", ...own, "--mad", "--no-mad")).toBe(
    "--mad and --no-mad contradict each other; leave one of them out",
  );
  const none = ["--budget", "2h", ...own, "--out", "/proc/nope"];
  expect(await refused(...none)).toBe("/proc/nope cannot be made; choose another folder");
  expect(await refused("--budget", "20steps")).toMatch(/expected time or FLOPs, such as 2h/);
  expect(await refused("--budget", "2h", "--final", "1e9flops")).toMatch(/both as time or both as FLOPs/);
  expect(await refused("--budget", "1e9flops", "--final", "2e9flops")).toMatch(/leaves nothing of budget/);
  const small = await refused("--budget", "1e8flops", ...own);
  const [, enough] = /\S+ needs 20 updates: expected at least (\S+),/.exec(small)!;
  expect(await refused("--budget", enough!, ...own, "--rates", "0.01,0.001")).toMatch(
    /rates are 0\.01, 0\.001; expected each larger/,
  );
  expect(await refused("--budget", "1e6flops")).toMatch(
    /design: budget \S+ is too small: by law besiroglu its winner would have \d+ parameters; expected enough for 2,000/,
  );
  expect(await refused("--budget", "1e30flops")).toMatch(
    /^design: candidates would have \S+ parameters: by law \S+ budget 1e30flops is for so many; expected at most 10,000,000,000: give a smaller/,
  );
  expect(await refused("--budget", "1e12flops", "--parameters", "1e15")).toBe(
    "design: candidates would have 1.00e+15 parameters; expected at most 10,000,000,000: give fewer",
  );
  const short = join(folder.path, "short.txt");
  writeFileSync(short, "to be or not to be, that is the question. ".repeat(200));
  expect(
    await refused("--budget", "1e13flops", "--data", short, "--parameters", "20k", "--length", "16"),
  ).toMatch(/would read the \S+ tokens of short.txt \S+ times or more, and past 60 it learns nothing/);
  expect(await refused("--budget", "1e9flops", ...own, "--state", "3")).toMatch(
    /0 candidates meet state, expected two or more; wide: it carries \d+ numbers of state, more than 3/,
  );
  expect(await refused("--budget", "1e9flops", ...own, "--parameters", "100")).toMatch(
    /1 candidate can be had at that size, expected two or more.*no width meets 100 parameters.*: change parameters or the candidates/,
  );
  expect(await refused("--budget", "1e9flops", "--candidates", join(folder.path, "none.yaml"))).toMatch(
    /^--candidates \S+: there is no such file; expected a \.yaml or \.json file with architectures by name$/,
  );
  expect(await refused("--budget", "1e9flops", "--candidates", text)).toMatch(
    /^--candidates \S+: expected a \.yaml or \.json file with architectures by name$/,
  );
  writeFileSync(join(folder.path, "bare.yaml"), "a: { width: 8 }\nb: deep.yaml\n");
  expect(await refused("--budget", "1e9flops", "--candidates", join(folder.path, "bare.yaml"))).toMatch(
    /candidates\.a: "width" is a setting of an architecture; write \{ architecture: \{ width: … \} \}$/,
  );
  writeFileSync(
    join(folder.path, "wrong.yaml"),
    "a: { architecture: { width: 8, hedas: 2 } }\nb: deep.yaml\n",
  );
  expect(await refused("--budget", "1e9flops", "--candidates", join(folder.path, "wrong.yaml"))).toMatch(
    /candidates\.a: .*hedas/,
  );
});

test("synthetic tasks take their time of a budget, and the least that is enough is named", async () => {
  const kinds = join(folder.path, "kinds.yaml");
  writeFileSync(
    kinds,
    `one: { architecture: { width: 8, stripe: "[attention(heads: 2), gelu]" } }
two: { architecture: { width: 8, stripe: "[min-gru, gelu]" } }
`,
  );
  const words = (budget: string) => ["design", "--candidates", kinds, "--mad", "--budget", budget, ...asked];
  const { err } = await refusal(words("40s"));
  const [, enough] = /40s does not pay for the synthetic tasks; expected at least ([\d.]+)m,/.exec(err)!;
  // Each call times the candidates anew.
  expect((await scantling([...words(`${1.5 * Number(enough)}m`), "--dry-run"])).exitCode).toBe(0);
});

test("on a terminal it is told which candidate is timed", async () => {
  const words = ["design", "--budget", "3e9flops", ...own, ...asked, "--dry-run"];
  const { err } = await scantling(words, { interactive: true });
  expect(err).toContain("timing candidate 1 of 2");
  expect((await scantling(words)).err).toBe("");
});

test("an interrupt ends the timing of candidates, and nothing is kept of it", async () => {
  const large = join(folder.path, "large.yaml");
  writeFileSync(
    large,
    "a: { architecture: { width: 64, layers: 2, heads: 2 } }\nb: { architecture: { width: 64, layers: 4, heads: 2 } }\n",
  );
  for (const more of [["--dry-run"], []]) {
    const words = ["design", "--candidates", large, "--budget", "2h", ...asked, "--length", "32", ...more];
    const outcome = await scantling(words, { signal: interruptAfter(200) });
    expect(outcome).toEqual({ exitCode: 130, out: "", err: "" });
  }
  expect(existsSync(join(folder.path, "out"))).toBe(false);
});

test("the least budget that is named is enough", async () => {
  const { err } = await refusal(["design", "--budget", "1e8flops", ...own, ...asked]);
  const [, enough] = /expected at least (\S+),/.exec(err)!;
  const { exitCode } = await scantling(["design", "--budget", enough!, ...own, ...asked, "--dry-run"]);
  expect(exitCode).toBe(0);
});
