// One slope through groups with an intercept each, against the same regression written with a column for each group.
import { expect, test } from "vitest";
import { commonSlope } from "../../src/claims/commonSlope.ts";
import { leastSquares } from "../../src/scaling/leastSquares.ts";

const groups = [
  [
    { x: 1, y: 3.1 },
    { x: 2, y: 2.8 },
    { x: 4, y: 2.1 },
  ],
  [
    { x: 0, y: 8.9 },
    { x: 3, y: 8.2 },
  ],
  [
    { x: 5, y: -1.2 },
    { x: 6, y: -1.3 },
  ],
];

test("the slope is that of a regression with a column for each group, its interval that of the degrees left", () => {
  const rows = groups.flatMap((own, group) =>
    own.map(({ x }) => [...groups.map((_, i) => +(i === group)), x]),
  );
  const values = groups.flat().map(({ y }) => y);
  const found = leastSquares(rows, values);
  const left = rows.reduce(
    (sum, row, i) => sum + (values[i]! - row.reduce((all, one, j) => all + one * found[j]!, 0)) ** 2,
    0,
  );
  const square = [14 / 3, 4.5, 0.5].reduce((sum, one) => sum + one, 0);
  const { value, standardError, interval } = commonSlope(groups)!;
  expect(value).toBeCloseTo(found[3]!, 12);
  // Seven points, three intercepts and a slope.
  expect(standardError).toBeCloseTo(Math.sqrt(left / 3 / square), 12);
  expect(interval![1] - value).toBeCloseTo(3.182446 * standardError!, 5);
});

test("a group of one point changes nothing; without degrees of freedom there is no interval, without two places no slope", () => {
  expect(commonSlope([...groups, [{ x: 9, y: 9 }], []])).toEqual(commonSlope(groups));
  expect(commonSlope([groups[1]!])).toEqual({
    value: expect.closeTo(-0.7 / 3),
    standardError: null,
    interval: null,
  });
  expect(commonSlope([[{ x: 1, y: 2 }], [{ x: 2, y: 1 }]])).toBeNull();
  expect(commonSlope([])).toBeNull();
});
