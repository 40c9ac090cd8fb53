// Candidates of one size and state.
import { expect, test } from "vitest";
import { generatedCandidates, givenCandidates } from "../../src/design/sizes.ts";

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

test("a bound on state leaves those that keep less; where none can, the nearest is named", () => {
  const wanted = { ...request, parameters: 20_000, length: 32 };
  const { candidates, leftOut } = generatedCandidates({ ...wanted, state: 2000 });
  for (const { state } of candidates) expect(state).toBeLessThanOrEqual(2000);
  expect(leftOut.find(({ name }) => name === "decoder")?.reason).toMatch(
    /carries [\d,]+ numbers of state, more than 2,000/,
  );
  expect(() => generatedCandidates({ ...wanted, state: 1 })).toThrow(
    /0 candidates meet parameters and state.*nearest come.*: it carries [\d,]+ numbers of state, more than 1: change/,
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
    /0 candidates meet parameters.*depth 1: no width meets/,
  );
  expect(() =>
    givenCandidates({ a: { architecture: { width: 8, hedas: 2 } } }, false, { ...request, parameters }),
  ).toThrow(/^design: candidates\.a: /);
});
