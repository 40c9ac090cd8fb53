// Labels of points: inside the picture, and on nothing else as long as there is room.

import fc from "fast-check";
import { expect, it } from "vitest";
import { type LabelPlace, placeLabels } from "../../../src/report/charts/labels.ts";

const bounds = { left: 0, right: 300, top: 0, bottom: 300 };

it("puts a label over a lone point, and beside the edge where it would be cut", () => {
  expect(placeLabels([{ label: "abc", x: 100, y: 100 }], bounds)).toEqual([
    { dx: 0, dy: -12, textAnchor: "middle" },
  ]);
  const atEdge = placeLabels([{ label: "abcdefgh", x: 298, y: 100 }], bounds);
  expect(atEdge).toEqual([{ dx: -9, dy: 0, textAnchor: "end" }]);
  expect(placeLabels([{ label: "abcdefgh", x: 2, y: 100 }], bounds)[0]!.textAnchor).toBe("start");
});

it("gives two points beside each other different places", () => {
  const [first, second] = placeLabels(
    [
      { label: "attention", x: 100, y: 100 },
      { label: "hyena", x: 112, y: 100 },
    ],
    bounds,
  );
  expect(first).not.toEqual(second);
});

it("leaves out no point, however many there are", () => {
  const point = fc.record({
    label: fc.string(),
    x: fc.double({ min: 0, max: 300 }),
    y: fc.double({ min: 0, max: 200 }),
  });
  fc.assert(fc.property(fc.array(point), (points) => placeLabels(points, bounds).length === points.length));
});

it("keeps twelve labels of a phone's picture off each other and off the names of ticks", () => {
  // The recorded ladder of state, 340 pixels wide.
  const points = [
    { label: "gla-heads8", x: 85, y: 62 },
    { label: "mamba-state2", x: 104, y: 225 },
    { label: "gla-heads4", x: 77, y: 113 },
    { label: "mamba-state4", x: 151, y: 231 },
    { label: "gla-heads2", x: 123, y: 123 },
    { label: "mamba-state8", x: 170, y: 213 },
    { label: "mamba2-state8", x: 170, y: 213 },
    { label: "gla-heads1", x: 170, y: 100 },
    { label: "mamba-state16", x: 216, y: 185 },
    { label: "mamba2-state16", x: 216, y: 193 },
    { label: "mamba2-state32", x: 263, y: 167 },
    { label: "mamba2-state64", x: 309, y: 138 },
  ];
  const area = { left: 52, right: 340, top: 16, bottom: 250 };
  const boxes = placeLabels(points, area).map(({ dx, dy, textAnchor }: LabelPlace, i) => {
    const { label, x, y } = points[i]!;
    const size = 6.8 * label.length;
    const left = x + dx - { start: 0, middle: size / 2, end: size }[textAnchor];
    return { left, right: left + size, top: y + dy - 6, bottom: y + dy + 6 };
  });
  for (const [i, one] of boxes.entries()) {
    expect(one.left).toBeGreaterThanOrEqual(area.left);
    expect(one.bottom).toBeLessThanOrEqual(area.bottom);
    for (const other of boxes.slice(i + 1)) {
      const isApart =
        one.right <= other.left ||
        other.right <= one.left ||
        one.bottom <= other.top ||
        other.bottom <= one.top;
      expect(isApart).toBe(true);
    }
  }
});
