import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ComparisonOptions, compareArms } from "../../../src/study/statistics/compare.ts";
import type { Cell, Table } from "../../../src/study/statistics/table.ts";

const cell = (score: number, itemVariance = 0): Cell => ({ score, itemVariance });
const table = (rows: readonly (readonly (number | null)[])[], itemVariance = 0): Table =>
  rows.map((row) => row.map((score) => (score === null ? null : cell(score, itemVariance))));
const compare = (rows: readonly (readonly (number | null)[])[], options: Partial<ComparisonOptions> = {}) =>
  compareArms([table(rows)], { margin: 0, ...options });

test("an arm that alone varies is compared by its own paired t, with all arms allowed for", () => {
  const wild = [0.2, 0.5, 0.3, 0.6, 0.4];
  const [pair] = compare([wild, [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]]);
  // Mean difference -0.6, deviation sqrt(0.025), five seeds; studentized range of four with 4 degrees of freedom: 5.757.
  const half = (5.757 / Math.SQRT2) * Math.sqrt(0.025 / 5);
  expect(pair!.low).toBeCloseTo(-0.6 - half, 3);
  expect(pair!.high).toBeCloseTo(-0.6 + half, 3);
  expect(pair!.verdict).toEqual({ kind: "win", winner: 1 });
});

test("an undecided pair's interval has 0 in it, also where stepping down asks for more than the single step", () => {
  const calm = Array.from({ length: 11 }, (_, arm) => [arm / 10, arm / 10]);
  const pairs = compare([...calm, [0.98, 1.02]]);
  expect(pairs.some(({ verdict }) => verdict.kind === "undecided")).toBe(true);
  for (const { verdict, low, high } of pairs) {
    if (verdict.kind !== "undecided" || low === null || high === null) continue;
    expect(low).toBeLessThanOrEqual(0);
    expect(high).toBeGreaterThanOrEqual(0);
  }
});

test("further seeds are those to the last look, which is less strict than this one", () => {
  const rows = [
    [1, 1.1, 0.9],
    [0.8, 0.95, 0.9],
  ];
  const seedsAt = (options: Partial<ComparisonOptions>) => {
    const { verdict } = compare(rows, options)[0]!;
    return verdict.kind === "undecided" ? verdict.furtherSeeds! : Number.NaN;
  };
  expect(seedsAt({ alpha: 0.001, lastAlpha: 0.05 })).toBe(seedsAt({ alpha: 0.05 }));
  expect(seedsAt({ alpha: 0.001 })).toBeGreaterThan(seedsAt({ alpha: 0.05 }));
});

describe("two arms", () => {
  test("are compared by Student's paired t", () => {
    // Student's sleep data (Biometrika 1908): extra hours of ten patients under two drugs; t = 4.0621, p = 0.00283 and
    // interval [0.70, 2.46] of the difference as in every textbook.
    const [pair] = compare([
      [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
      [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2],
    ]);
    expect(pair!.difference).toBeCloseTo(1.58, 10);
    expect(pair!.low).toBeCloseTo(0.700114, 5);
    expect(pair!.high).toBeCloseTo(2.459886, 5);
    expect(pair!.verdict).toEqual({ kind: "win", winner: 0 });
    const strict = compare(
      [
        [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
        [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2],
      ],
      { alpha: 0.0028 },
    );
    expect(strict[0]!.verdict.kind).toBe("undecided");
  });

  test("with one seed are undecided, and nothing is said of further seeds", () => {
    const [pair] = compare([[0.9], [0.1]]);
    expect(pair).toMatchObject({
      low: null,
      high: null,
      seeds: 1,
      verdict: { kind: "undecided", furtherSeeds: null },
    });
    expect(pair!.difference).toBeCloseTo(0.8, 12);
  });

  test("that differ by the same under every seed are undecided, however their differences are rounded", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 5 }), (errors) => {
        const [pair] = compare([errors.map((one) => one / 10), errors.map((one) => one / 10 - 0.3)]);
        expect(pair!.verdict).toEqual({ kind: "undecided", furtherSeeds: null });
        expect(pair!.low).toBeNull();
      }),
    );
  });

  test("that share one seed alone are undecided, whatever the others tell of the spread", () => {
    const others = [
      [1, 1.1, 0.9],
      [1.2, 1.3, 1.1],
      [0.8, 0.91, 0.7],
    ];
    const pairs = compare([[5, null, null], ...others]);
    for (const pair of pairs.filter(({ arms }) => arms[0] === 0)) {
      expect(pair).toMatchObject({ seeds: 1, low: null, verdict: { kind: "undecided", furtherSeeds: null } });
    }
    expect(pairs.filter(({ verdict }) => verdict.kind === "win").length).toBeGreaterThan(0);
  });

  test("that never vary are told apart only by what their test items allow", () => {
    // Without item variance two equal values would give an infinite t.
    expect(
      compare([
        [1, 1, 1],
        [0.5, 0.5, 0.5],
      ])[0]!.verdict.kind,
    ).toBe("undecided");
    const rows = [
      [1, 1, 1],
      [0.99, 0.99, 0.99],
    ];
    expect(compareArms([table(rows, 0.01)], { margin: 0 })[0]!.verdict.kind).toBe("undecided");
    expect(compareArms([table(rows, 1e-7)], { margin: 0 })[0]!.verdict).toEqual({ kind: "win", winner: 0 });
    expect(compareArms([table(rows, 1e-7)], { margin: 0.02 })[0]!.verdict.kind).toBe("tie");
  });

  test("are paired: what a seed does to both does not blur them", () => {
    const shared = [5, -40, 17, 60, -3];
    const own = [0.1, -0.1, 0.05, 0, -0.05];
    const rows = [shared.map((value, i) => value + 1 + own[i]!), shared];
    expect(compare(rows)[0]!.verdict).toEqual({ kind: "win", winner: 0 });
  });
});

describe("several arms", () => {
  // Montgomery's hardness of four tips on four coupons (Design and Analysis of Experiments, table 4-1, ×10): residual
  // mean square 0.89 with 9 degrees of freedom; Tukey's q(0.05; 4, 9) = 4.415, so differences beyond 2.08 are real.
  const tips = [
    [-2, -1, 1, 5],
    [-1, -2, 3, 4],
    [-3, -1, 0, 2],
    [2, 1, 5, 7],
  ];

  test("share one spread, and are corrected for all pairs", () => {
    const pairs = compare(tips);
    const of = (a: number, b: number) => pairs.find(({ arms }) => arms[0] === a && arms[1] === b)!;
    expect(of(1, 3).verdict).toEqual({ kind: "win", winner: 3 });
    expect(of(0, 3).verdict).toEqual({ kind: "win", winner: 3 });
    expect(of(2, 3).verdict).toEqual({ kind: "win", winner: 3 });
    expect(of(0, 1).verdict.kind).toBe("undecided");
    // A pair whose own spread is below the pooled one.
    const half = (of(1, 3).high! - of(1, 3).low!) / 2;
    expect(half).toBeCloseTo(4.4149 * Math.sqrt(8 / 9 / 4), 2);
  });

  test("an order of arms changes no verdict", () => {
    const order = [2, 0, 3, 1];
    const before = compare(tips);
    for (const pair of compare(order.map((arm) => tips[arm]!))) {
      const [a, b] = pair.arms.map((arm) => order[arm]!) as [number, number];
      const same = before.find(({ arms }) => arms.includes(a) && arms.includes(b))!;
      expect(pair.verdict.kind).toBe(same.verdict.kind);
      expect(Math.abs(pair.difference!)).toBeCloseTo(Math.abs(same.difference!), 10);
    }
  });

  test("a missing run counts as missing and not as a bad score", () => {
    const whole = compare(tips);
    const holed = compare(
      tips.map((row, arm) => row.map((score, seed) => (arm === 3 && seed === 2 ? null : score))),
    );
    expect(holed.map(({ seeds }) => seeds)).toEqual([4, 4, 3, 4, 3, 3]);
    const pair = holed.at(-1)!;
    expect(pair.difference).toBeCloseTo((-3 - 2 + -1 - 1 + 2 - 7) / 3, 10);
    expect(whole[0]!.difference).toBe(holed[0]!.difference);
    const absent = compare([...tips, [null, null, null, null]]);
    expect(absent.filter(({ arms }) => arms[1] === 4)).toHaveLength(4);
    for (const { arms, difference, verdict } of absent) {
      if (arms[1] === 4)
        expect([difference, verdict]).toEqual([null, { kind: "undecided", furtherSeeds: null }]);
    }
  });

  test("arms that are always right do not lend their calm to those that vary", () => {
    const calm = Array.from({ length: 10 }, () => [1, 1, 1]);
    const wild = [
      [0.9, 0.3, 0.8],
      [0.2, 0.3, 0.4],
    ];
    const pair = compareArms([table([...wild, ...calm], 1e-6)], { margin: 0 })[0]!;
    expect(pair.verdict.kind).toBe("undecided");
  });
});

test("several tasks: the mean of differences, with the degrees of freedom of all", () => {
  const rows = [
    [
      [0.5, 0.7],
      [0.4, 0.65],
    ],
    [
      [0.8, 0.7],
      [0.6, 0.55],
    ],
  ];
  const [pair] = compareArms(
    rows.map((each) => table(each)),
    { margin: 0 },
  );
  expect(pair!.difference).toBeCloseTo((0.075 + 0.175) / 2, 10);
  // Each task: differences 0.05 apart, so variance 0.00125 / 2 seeds; the mean of two: 1/4 of the sum, with 2 degrees.
  const error = Math.sqrt((2 * 0.00125) / 2 / 4);
  expect((pair!.high! - pair!.low!) / 2).toBeCloseTo(4.30265 * error, 4);
});

test("the further seeds that are named would decide", () => {
  const rows = [
    [0.62, 0.55, 0.6],
    [0.58, 0.56, 0.54],
  ];
  const [pair] = compare(rows);
  expect(pair!.verdict.kind).toBe("undecided");
  const more = pair!.verdict.kind === "undecided" ? pair!.verdict.furtherSeeds! : 0;
  // The same difference and spread, with as many seeds as were named: a win with room to spare.
  const copies = Math.ceil((3 + more) / 3);
  const repeated = rows.map((row) => Array.from({ length: copies }, () => row).flat());
  expect(compare(repeated)[0]!.verdict.kind).toBe("win");
  expect(more).toBeGreaterThan(3);
  expect(more).toBeLessThan(60);
});

test("no input makes it throw, and intervals hold the difference", () => {
  const score = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
  const rows = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
    .chain(([arms, seeds]) =>
      fc.array(fc.array(score, { minLength: seeds, maxLength: seeds }), { minLength: arms, maxLength: arms }),
    );
  fc.assert(
    fc.property(rows, (each) => {
      for (const { difference, low, high, verdict } of compareArms([table(each, 1e-4)], { margin: 0.01 })) {
        if (low === null) expect(verdict.kind).toBe("undecided");
        else {
          expect(low).toBeLessThanOrEqual(difference!);
          expect(high).toBeGreaterThanOrEqual(difference!);
        }
        if (verdict.kind === "undecided" && low !== null) expect(low <= 0 && high! >= 0).toBe(true);
        if (verdict.kind === "tie") expect(Math.max(-low!, high!)).toBeLessThan(0.01);
      }
    }),
    { numRuns: 60 },
  );
});
