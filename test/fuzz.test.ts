// A few hundred damaged and hostile files for every reader: a fixed part of what bench/fuzz.js does for minutes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Target {
  readonly expected?: readonly string[];
  generate(random: unknown): unknown;
  prepare(
    load: (path: string) => Promise<unknown>,
    folder: string,
  ): Promise<(input: unknown) => Promise<void> | void>;
}

/** Part of the script, which is plain JavaScript. */
const part = (path: string) => import(new URL(`../bench/fuzz/${path}.js`, import.meta.url).href);
const load = (path: string) => import(new URL(`../src/${path}.ts`, import.meta.url).href);

test.each([
  ["safetensors", 1000],
  ["configuration", 300],
  ["log", 40],
  ["checkpoint", 200],
  ["text", 200],
  ["tokenizer", 25],
] as const)("%s: %i inputs are read or refused with one line", async (name, inputs) => {
  const target: Target = await part(`targets/${name}`);
  const { createRandom } = await part("random");
  const { outcomeOf } = await part("outcome");
  const folder = mkdtempSync(join(tmpdir(), "scantling-fuzz-"));
  try {
    const run = await target.prepare(load, folder);
    const outcomes = new Set<string>();
    for (let index = 0; index < inputs; index++) {
      const input = target.generate(createRandom(7, index));
      const { outcome, bad } = await outcomeOf(() => run(input), target.expected);
      expect(bad, `input ${index}`).toBeUndefined();
      outcomes.add(outcome);
    }
    // Both ends are reached, or the inputs would say little. Logs are read around what is damaged in them.
    expect(outcomes).toContain("accepted");
    if (name !== "log") expect(outcomes.size).toBeGreaterThan(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("an error of another kind, one of several lines and one without end are faults", async () => {
  const { outcomeOf } = await part("outcome");
  const { RequestError } = await load("errors");
  const failing = (error: unknown) =>
    outcomeOf(() => {
      throw error;
    });
  expect(await failing(new RequestError("no"))).toEqual({ outcome: "RequestError" });
  expect(await failing(new RequestError("no\nno"))).toMatchObject({ outcome: "several lines" });
  expect(await failing(new RequestError("no".repeat(1000)))).toHaveProperty("bad");
  expect(await failing(new TypeError("no"))).toMatchObject({ outcome: "untyped: TypeError" });
  expect(await failing("no")).toHaveProperty("bad");
});
