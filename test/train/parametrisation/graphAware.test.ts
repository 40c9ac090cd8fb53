// First values and rates by an architecture's graph, held to the paper's formulas worked out by hand.
import { expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../../src/architecture/architecture.ts";
import { storedParameters } from "../../../src/growth/plan.ts";
import { initialDeviation } from "../../../src/nn/sources/source.ts";
import { graphAwareRate, pathSum } from "../../../src/train/parametrisation/graphAware.ts";
import { parametrisedParameters } from "../../../src/train/parametrisation/parametrise.ts";
import { defineParametrisation } from "../../../src/train/parametrisation/settings.ts";

const network = (more: Partial<ArchitectureInput>) =>
  defineArchitecture({
    ...{ vocabulary: 5, length: 4, width: 8, feedforward: 6, positions: "none", norm: "none" },
    ...{ stripe: ["relu"], block: "none", ...more },
  });

test("a chain has one path of all its matrices, so the rate falls with depth to the power of 3/2", () => {
  expect(pathSum(network({ layers: 3 }))).toBe(8 ** 3);
  expect(graphAwareRate(network({ layers: 7 }), 1)).toBeCloseTo((16 / 4) ** -1.5, 12);
});

test("residual paths are counted each with its length", () => {
  // Two modules of two matrices between embedding and head: lengths 2, 4, 4 and 6.
  expect(pathSum(network({ layers: 2, block: "pre" }))).toBe(2 ** 3 + 2 * 4 ** 3 + 6 ** 3);
  // Beside each other: no path through both.
  const parallel = network({ stripe: ["relu", "relu"], layers: 1, block: "parallel" });
  expect(pathSum(parallel)).toBe(2 ** 3 + 2 * 4 ** 3);
  // A gate and what it gates stand beside each other; queries, keys and values are one matrix deep, and the output another.
  expect(pathSum(network({ stripe: ["swiglu"], layers: 1 }))).toBe(4 ** 3);
  expect(pathSum(network({ stripe: ["attention"], layers: 1, feedforward: undefined } as never))).toBe(
    4 ** 3,
  );
});

test("a matrix's variance is 2 over its inputs and the edges that meet behind it", () => {
  const deviation = (more: Partial<ArchitectureInput>, name: string) => {
    const architecture = network(more);
    const parameters = parametrisedParameters(
      architecture,
      storedParameters(architecture),
      defineParametrisation("chen"),
    );
    return initialDeviation(parameters.get(name)!);
  };
  expect(deviation({}, "block.0.relu.up.weight")).toBeCloseTo(Math.sqrt(2 / 8), 12);
  expect(deviation({}, "block.0.relu.down.weight")).toBeCloseTo(Math.sqrt(2 / 6), 12);
  expect(deviation({ block: "pre" }, "block.0.relu.up.weight")).toBeCloseTo(Math.sqrt(2 / 8), 12);
  expect(deviation({ block: "pre" }, "block.0.relu.down.weight")).toBeCloseTo(Math.sqrt(2 / 12), 12);
});
