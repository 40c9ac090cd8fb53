import { expect, test } from "vitest";
import type { CurveChart } from "../../../src/report/charts/chart.ts";
import { curveDrawing } from "../../../src/report/charts/curves.ts";
import { withParabola } from "../../../src/report/charts/parabola.ts";

test("parabolas of all valleys are one entry of the legend, and each a column of the table", () => {
  const valley = (name: string) =>
    withParabola(
      name,
      [1e3, 1e4, 1e5].map((parameters) => ({ parameters, loss: 2 })),
      () => 2,
    );
  const axis = { label: "parameters", unit: "number", scale: "log" } as const;
  const chart: CurveChart = {
    ...{ kind: "curves", levels: [], series: [...valley("1e12 FLOP"), ...valley("3e12 FLOP")] },
    ...{ x: axis, y: { ...axis, label: "loss" } },
  };
  const { legend, table } = curveDrawing(chart);
  expect(legend.map(({ name }) => name)).toEqual(["1e12 FLOP", "parabola", "3e12 FLOP"]);
  for (const { name } of chart.series) expect(JSON.stringify(table)).toContain(name);
});

test("an axis of losses says what they are in, once", () => {
  const named = (label: string, unit: "nat" | "share") => {
    const chart: CurveChart = {
      ...{ kind: "curves", levels: [], series: [{ name: "a", points: [1, 2].map((x) => ({ x, y: x })) }] },
      x: { label: "tokens", unit: "count", scale: "log" },
      y: { label, unit, scale: "linear" },
    };
    return /↑ ([^<]+)</.exec(curveDrawing(chart).draw(760))![1];
  };
  expect(named("validation loss", "nat")).toBe("validation loss, nat");
  expect(named("loss (nat per token)", "nat")).toBe("loss (nat per token)");
  expect(named("accuracy", "share")).toBe("accuracy");
});

test("every setting of a sweep that has room has a tick with its name", () => {
  const rates = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032];
  const chart: CurveChart = {
    ...{ kind: "curves", levels: [] },
    series: [{ name: "depth 2", points: rates.map((x) => ({ x, y: 1 + x })) }],
    x: { label: "learning rate", unit: "number", scale: "log" },
    y: { label: "loss", unit: "nat", scale: "linear" },
  };
  const named = (width: number) =>
    [
      ...curveDrawing(chart)
        .draw(width)
        .matchAll(/<text[^>]*>([\d.]+)<\/text>/g),
    ].map(([, name]) => name);
  expect(named(760)).toEqual(expect.arrayContaining(rates.map(String)));
  // On a phone they would lie on each other.
  expect(named(340)).not.toContain("0.008");
});
