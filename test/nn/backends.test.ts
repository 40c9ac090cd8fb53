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

describe.each(backends)("$title", ({ open, tolerance }) => {
  test.each([...primitives])("%s", async (_, primitive) => {
    checkOnMachine(await open(), primitive, tolerance);
  });
});
