// Candidates of one size and state.
import { expect, test } from "vitest";
import { generatedCandidates, givenCandidates } from "../../src/design/sizes.ts";
import { canonicalText } from "../../src/study/canonical.ts";
import type { Json } from "../../src/study/job.ts";

const request = { vocabulary: 96, length: 128, state: undefined };

test("every idea can be had at 200,000 parameters, to within a percent, and no two are the same", () => {
  const { candidates, leftOut } = generatedCandidates({ ...request, parameters: 200_000 });
  expect(candidates.length).toBeGreaterThan(16);
  for (const { name, parameters } of candidates) {
    expect(Math.abs(parameters / 200_000 - 1), name).toBeLessThan(0.1);
  }
  const near = candidates.filter(({ parameters }) => Math.abs(parameters / 200_000 - 1) < 0.01);
  expect(near.length).toBeGreaterThan(0.8 * candidates.length);
  expect(new Set(candidates.map(({ architecture }) => JSON.stringify(architecture))).size).toBe(
    candidates.length,
  );
  for (const { reason } of leftOut) expect(reason).toMatch(/\d|it is/);
});

test("what is the same architecture at a size is tried once, however its settings are written", () => {
  const { candidates, leftOut } = generatedCandidates({ ...request, parameters: 20_000, length: 32 });
  // One head shares its keys and values with nobody.
  expect(leftOut).toContainEqual({
    name: "decoder-grouped",
    reason: "at this size it is decoder, by another name",
  });
  const texts = candidates.map(({ architecture }) => canonicalText(architecture as unknown as Json));
  expect(new Set(texts).size).toBe(candidates.length);
});

test("candidates of the user that are one architecture, trained alike, are tried once", () => {
  const of = (stripe: string) => ({ architecture: { stripe, layers: 1, width: 16 } });
  const given = {
    plain: of("[attention(heads: 1), gelu]"),
    twin: of("[attention(kvHeads: 1, heads: 1, window: null), gelu]"),
    tuned: { ...of("[attention(heads: 1), gelu]"), rates: [0.1, 0.2, 0.3] },
    other: of("[attention(heads: 2, kvHeads: 1), gelu]"),
  };
  const { candidates, leftOut } = givenCandidates(given, false, { ...request, parameters: undefined });
  expect(candidates.map(({ name }) => name)).toEqual(["plain", "tuned", "other"]);
  expect(leftOut).toEqual([{ name: "twin", reason: "it is plain, by another name" }]);
});

test("a bound on state leaves those that keep less; where none can, the nearest is named", () => {
  const wanted = { ...request, parameters: 20_000, length: 32 };
  const { candidates, leftOut } = generatedCandidates({ ...wanted, state: 2000 });
  for (const { state } of candidates) expect(state).toBeLessThanOrEqual(2000);
  expect(leftOut.find(({ name }) => name === "decoder")?.reason).toMatch(
    /carries [\d,]+ numbers of state, more than 2,000/,
  );
  expect(() => generatedCandidates({ ...wanted, state: 1 })).toThrow(
    /0 candidates meet parameters and state, expected two or more; .*: it carries [\d,]+ numbers of state, more than 1: change/,
  );
});

test("candidates of the user stay as wide as they are, unless a size is asked for", () => {
  const stripe = "[attention(heads: 2), gelu]";
  const given = {
    one: { architecture: { stripe, layers: 1, width: 16 } },
    two: { architecture: { stripe, layers: 2 } },
  };
  const parameters = 20_000;
  const kept = givenCandidates(given, false, { ...request, parameters }).candidates;
  expect(kept[0]!.architecture.width).toBe(16);
  expect(Math.abs(kept[1]!.parameters / parameters - 1)).toBeLessThan(0.1);
  const sized = givenCandidates(given, true, { ...request, parameters }).candidates;
  expect(sized[0]!.architecture.width).toBeGreaterThan(16);
  expect(() => givenCandidates(given, true, { ...request, parameters: 300 })).toThrow(
    /0 candidates can be had at that size.*depth 1: no width meets/,
  );
  expect(() =>
    givenCandidates({ a: { architecture: { width: 8, hedas: 2 } } }, false, { ...request, parameters }),
  ).toThrow(/^design: candidates\.a: /);
});
