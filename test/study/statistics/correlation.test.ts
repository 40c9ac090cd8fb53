import { describe, expect, test } from "vitest";
import { kendall, pearson, ranks, spearman } from "../../../src/study/statistics/coefficients.ts";
import { correlate } from "../../../src/study/statistics/correlation.ts";

// Read off the figure of Poli et al. 2024 (arXiv 2403.17844) that sets MAD scores against perplexity at the optimal size:
// Hyena, multi-head Hyena, striped Hyena, with experts, with Hyena experts; read to ±0.002 and ±0.02.
const perplexity = [11.04, 9.91, 8.65, 8.4, 8.23];
const mean = [0.6606, 0.7323, 0.766, 0.7742, 0.7827];
const tasks = {
  "in-context-recall": [[0.818, 0.991, 1, 1, 1], -0.861],
  "fuzzy-in-context-recall": [[0.079, 0.145, 0.233, 0.248, 0.283], -0.993],
  "noisy-in-context-recall": [[0.789, 0.986, 1, 1, 1], -0.868],
  "selective-copying": [[0.932, 0.93, 1, 1, 1], -0.931],
  compression: [[0.452, 0.448, 0.472, 0.502, 0.523], -0.828],
  memorization: [[0.895, 0.8945, 0.8915, 0.8956, 0.891], 0.525],
} as const;

describe("the paper's five pairs", () => {
  const found = correlate(mean, perplexity);

  test("of the mean", () => {
    expect(found.pearson.value).toBeCloseTo(-0.981, 3);
    expect(found.spearman.value).toBe(-1);
    expect(found.kendall.value).toBe(-1);
    // SciPy 1.17: pearsonr(...).confidence_interval(); the exact chance of ±1 in any order is 2/5!.
    expect(found.pearson.low).toBeCloseTo(-0.99882257, 7);
    expect(found.pearson.high).toBeCloseTo(-0.73827715, 7);
    expect(found.spearman.pValue).toBeCloseTo(2 / 120, 12);
    expect(found.kendall.pValue).toBeCloseTo(2 / 120, 12);
  });

  test("a perfect order of five is not a sure one", () => {
    expect(found.spearman.low).toBe(-1);
    expect(found.spearman.high).toBeGreaterThan(-0.5);
    expect(found.kendall.high).toBeGreaterThan(-0.5);
  });

  test.each(Object.entries(tasks))("of %s", (_, [scores, published]) => {
    expect(Math.abs(correlate(scores, perplexity).pearson.value! - published)).toBeLessThan(0.01);
  });

  test("without one pair", () => {
    expect(found.leaveOneOut).toHaveLength(5);
    for (const [i, without] of found.leaveOneOut.entries()) {
      const keep = (values: readonly number[]) => values.filter((_, index) => index !== i);
      expect(without.pearson).toBe(pearson(keep(mean), keep(perplexity)));
      expect(without.spearman).toBe(-1);
    }
  });
});

describe("coefficients", () => {
  // SciPy 1.17: pearsonr, spearmanr, kendalltau of these.
  const x = [12, 2, 1, 12, 2];
  const y = [1, 4, 7, 1, 0];
  test("with equal values", () => {
    expect(kendall(x, y)).toBeCloseTo(-0.47140452079103173, 12);
    expect(spearman(x, y)).toBeCloseTo(-0.5407380704358751, 12);
    expect(pearson(x, y)).toBeCloseTo(-0.5566399985665696, 12);
    expect(ranks(x)).toEqual([4.5, 2.5, 1, 4.5, 2.5]);
  });

  test("of what never varies, or of two pairs, are not known", () => {
    expect(correlate([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]).pearson).toEqual({
      value: null,
      low: null,
      high: null,
      pValue: null,
    });
    expect(kendall([1, 2], [2, 1])).toBeNull();
    expect(correlate([1, 2, 3], [1, 3, 2]).pearson).toMatchObject({ value: 0.5, low: null });
  });

  test("of many pairs have the usual tests", () => {
    const a = Array.from({ length: 12 }, (_, i) => i);
    const b = a.map((i) => (i * 5) % 12);
    const found = correlate(a, b);
    // SciPy 1.17: pearsonr(a, b).pvalue.
    expect(found.pearson.value).toBeCloseTo(0.21678321678321677, 10);
    expect(found.pearson.pValue).toBeCloseTo(0.4985559855241887, 8);
  });
});

test("unequally many values are refused", () => {
  expect(() => correlate([1, 2, 3], [1, 2])).toThrow("3 values of x and 2 of y; expected pairs");
});
