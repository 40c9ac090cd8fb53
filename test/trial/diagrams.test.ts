// Block diagrams of arms: one for those that are alike, many folded.
import { expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { diagramSection } from "../../src/trial/diagrams.ts";

const arm = (name: string, layers: number) => ({
  name,
  architecture: defineArchitecture({ vocabulary: 16, length: 8, width: 8, heads: 2, layers }),
});

test("arms whose diagrams are equal share one, which names them", () => {
  const { parts } = diagramSection([arm("wide", 1), arm("deep", 4), arm("as wide", 1)]);
  expect(parts.map((part) => part.kind === "figure" && part.title)).toEqual([
    "Blocks of wide, as wide",
    "Blocks of deep",
  ]);
  const [first, second] = parts.map((part) =>
    part.kind === "figure" && part.chart.kind === "picture" ? part.chart.svg : "",
  );
  expect(first).toContain("wide: width 8");
  expect(first).not.toContain("× 4");
  expect(second).toContain("× 4");
});

test("many are folded, each under its name; names do not widen the picture", () => {
  const arms = [1, 2, 3, 4, 5].map((layers) => arm(`${"long ".repeat(11)}${layers}`, layers));
  const { parts } = diagramSection(arms);
  expect(parts.map(({ kind }) => kind)).toEqual(Array(5).fill("folded"));
  const [first] = parts;
  if (first?.kind !== "folded") throw new Error("it is not folded");
  expect(first.title).toContain(arms[0]!.name);
  const [figure] = first.parts;
  const svg = figure?.kind === "figure" && figure.chart.kind === "picture" ? figure.chart.svg : "";
  expect(Number(/width="(\d+)"/.exec(svg)![1])).toBeLessThan(560);
  const alike = diagramSection(Array.from({ length: 6 }, (_, i) => arm(`arm ${i}`, 1))).parts;
  expect(alike.map((part) => part.kind === "figure" && part.title)).toEqual([
    "Blocks of arm 0, arm 1, arm 2, arm 3 and 2 more",
  ]);
});
