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
