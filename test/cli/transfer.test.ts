// `scantling transfer`: the coordinate check as a document and as lines, and what is refused before anything is trained.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
const text = join(folder.path, "abc.txt");
writeFileSync(text, "abcd bcda ".repeat(100));
afterAll(() => folder.remove());

const tiny = ["transfer", "--backend", "reference", "--data", text, "--length", "4", "--depths", "1"];

test("--check tells slopes of every output, and trains nothing", async () => {
  const words = [...tiny, "--widths", "4,8", "--parametrisation", "mup", "--check", "--json"];
  const { exitCode, out, err } = await scantling(words);
  expect(exitCode).toBe(0);
  const { checks } = JSON.parse(out);
  expect(checks[0]).toMatchObject({ parametrisation: "mup", widths: [4, 8] });
  const names = new Set(checks[0].coordinates.map(({ name }: { name: string }) => name));
  expect([...names]).toEqual(["block.0.attention.output", "block.0.swiglu.output", "logits"]);
  expect(err).toMatch(/^coordinate check, mup, widths 4, 8: slopes/);
});

test("what cannot be measured is refused", async () => {
  const refused = async (...words: string[]) => {
    const { exitCode, err } = await refusal([...tiny, ...words]);
    expect(exitCode).toBe(2);
    return err;
  };
  expect(await refused("--widths", "8")).toMatch(/one width and one depth/);
  expect(await refused("--widths", "8", "--check")).toMatch(/expected two that differ/);
  expect(await refused("--check", "--steps", "20")).toMatch(/--steps is of no use to --check; leave it out/);
  expect(await refused("--rates", "1e-3,1e-4,1e-5")).toMatch(/larger than the one before/);
  expect(await refused("--parametrisation", "mub")).toMatch(/did you mean mup\?/);
});

test("train takes a parametrisation, and says which option is missing", async () => {
  const model = [
    "train",
    "--backend",
    "reference",
    "--data",
    text,
    "--length",
    "4",
    "--width",
    "8",
    "--layers",
    "1",
  ];
  const run = [
    ...model,
    "--steps",
    "2",
    "--batch",
    "2",
    "--sample-tokens",
    "0",
    "--out",
    join(folder.path, "run"),
  ];
  const { exitCode } = await scantling([...run, "--parametrisation", "mup", "--base-width", "4"]);
  expect(exitCode).toBe(0);
  expect((await refusal([...run, "--force", "--base-width", "4"])).err).toMatch(/--parametrisation/);
  expect((await refusal([...run, "--force", "--parametrisation", "mup"])).err).toMatch(
    /baseWidth is missing/,
  );
});
