// Every registered primitive on every backend that compiles, held to the reference.
import { describe, test } from "vitest";
import { primitives } from "../../src/nn/primitives.ts";
import { native, wasm, wasmFlavours } from "../engine/harness.ts";
import { checkOnMachine } from "./onMachine.ts";

const backends = [
  { title: "native double", open: () => native(true), tolerance: 1e-9 },
  { title: "native float", open: () => native(false), tolerance: 1e-4 },
  ...wasmFlavours.map((relaxed) => ({
    title: `wasm${relaxed ? " relaxed" : ""}`,
    open: () => wasm(relaxed),
    tolerance: 1e-4,
  })),
];

const places = { experts: 6, chosen: 2, prototypes: 2, capacity: 0.8, bias: true, network: "swiglu" };

/** Primitives with their defaults, and what these leave out. */
const cases: (readonly [string, Record<string, unknown>])[] = [
  ...[...primitives.keys()].map((name) => [name, {}] as const),
  ["moe", { ...places, sharedExperts: 1 }],
  ["moe", { ...places, order: "gates", capacityGroup: "batch", firstPlaceUnused: true }],
];

describe.each(backends)("$title", ({ open, tolerance }) => {
  test.each(cases)("%s %j", async (name, settings) => {
    checkOnMachine(await open(), primitives.get(name)!, tolerance, settings);
  });
});
