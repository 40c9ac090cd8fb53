// Predictions of depth: Levine's formula at the sizes that were published, and both predictions on planted pairs.
import { expect, test } from "vitest";
import { depthPredictions, levineDepth, type Shape } from "../../src/claims/depthPredictions.ts";
import type { TrialResult } from "../../src/trial/result.ts";

const shapes: readonly Shape[] = [
  [1, 128],
  [4, 64],
  [16, 32],
  [64, 16],
];

test("Levine's fit asks for the published depths, and for less than one layer of so few parameters", () => {
  expect(levineDepth(1.03e12)).toBeCloseTo(95, 0);
  expect(levineDepth(50_331_648)).toBeCloseTo(19.7, 1);
  expect(levineDepth(1e7)).toBeCloseTo(10.7, 1);
  expect(levineDepth(196_608)).toBeLessThan(1);
});

/** The judgements of Levine's and of Kaplan's prediction on losses that are known to `half`. */
function judged(losses: readonly number[], half: number) {
  const arms = shapes.map(([layers, width], i) => ({
    name: `${layers} × ${width}`,
    test: { loss: losses[i]! },
  }));
  const pairs = arms.flatMap((one, i) =>
    arms.slice(i + 1).map((other) => {
      const difference = one.test.loss - other.test.loss;
      const isWin = Math.abs(difference) > half;
      return {
        ...{ first: one.name, second: other.name, difference, seeds: 3, furtherSeeds: null },
        interval: [difference - half, difference + half],
        verdict: isWin ? "win" : "undecided",
        winner: isWin ? (difference < 0 ? one.name : other.name) : null,
      };
    }),
  );
  const { parts } = depthPredictions(shapes, 196_608, { arms, pairs } as unknown as TrialResult);
  const [table] = parts;
  return table!.kind === "table" ? table!.rows.map((row) => row[3]) : [];
}

test("the shallowest best and the others alike is what both predict; the others far apart is not Kaplan's; noise says nothing", () => {
  expect(judged([1, 1.5, 1.51, 1.52], 0.01)).toEqual(["supported", "supported"]);
  expect(judged([1.5, 1, 1.2, 1.5], 0.01)).toEqual(["not supported", "not supported"]);
  expect(judged([1.5, 1.51, 1.5, 1.52], 0.3)).toEqual(Array(2).fill("not decidable at this scale"));
});

test("Kaplan's 3 % are of shapes 21 times apart in width / depth, and so judge no pair that is further apart", () => {
  const rowOf = (...among: Shape[]) => {
    const { parts } = depthPredictions(among, 196_608, { arms: [], pairs: [] } as unknown as TrialResult);
    return parts[0]!.kind === "table" ? parts[0]!.rows[1]! : [];
  };
  const [, published, here, , reason] = rowOf([2, 90], [8, 24], [16, 24]);
  expect(published).toMatch(
    /^6 × 4288 within 3 % of 48 × 1600, 21 times apart .* a few per cent over a factor of 40/,
  );
  // Width / depth of 45, 3 and 1.5.
  expect(here).toBe("2 × 90 and 8 × 24; 8 × 24 and 16 × 24 within 3 %");
  expect(reason).not.toContain("2 × 90 or 16 × 24");
  expect(rowOf([1, 128], [2, 90]).slice(2, 4)).toEqual([
    "nothing: no two shapes of more than one layer are within 21 times",
    "not decidable at this scale",
  ]);
});
