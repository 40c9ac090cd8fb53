// The same program gives the same bits on any number of threads and from run to run, in the float builds.
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../../src/backend/machine.ts";
import {
  input,
  matmul,
  type Program,
  program,
  slice,
  square,
  sum,
  swapLast,
} from "../../src/tensor/index.ts";
import { fillIn, native, runOn, type Values, wasm, wasmFlavours } from "./harness.ts";
import { programOf, recipes } from "./random/program.ts";
import { trainingProgram, trainings } from "./training.ts";

beforeAll(async () => void (await native(false)), 300_000); // compiles the kernels where they are not kept

const bits = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("latin1");

type Open = (threads: number) => Promise<Machine>;

async function expectSameBits(open: Open, program: Program, values: Values): Promise<void> {
  const expected = runOn(await open(1), program, values, 2);
  for (const count of [1, 2, 3, 7]) {
    const found = runOn(await open(count), program, values, 2);
    for (const [name, wanted] of expected) {
      if (bits(found.get(name)!) !== bits(wanted))
        expect.fail(`"${name}" on ${count} threads is not what it is on one`);
    }
  }
}

const backends: { name: string; open: Open }[] = [
  { name: "native", open: (threads) => native(false, threads) },
  ...wasmFlavours.map((relaxed) => ({
    name: relaxed ? "wasm, relaxed" : "wasm",
    open: (threads: number) => wasm(relaxed, threads),
  })),
];

describe.each(backends)("$name", ({ open }) => {
  test.each(trainings)("a training step: $name", async (of) => {
    const { program, values } = trainingProgram(of);
    await expectSameBits(open, program, values);
  });

  test("products that are cut for the number of threads, and long sums", async () => {
    const [a, b] = [input("a", [301, 500]), input("b", [500, 211])];
    const product = matmul(a, b);
    const built = program({
      product,
      long: matmul(swapLast(b), b),
      few: matmul(slice(a, { 0: [0, 3] }), b),
      total: sum(square(a)),
    });
    await expectSameBits(open, built, fillIn(built, 2));
  });

  test("random programs", async () => {
    await fc.assert(
      fc.asyncProperty(recipes, async (recipe) => {
        const program = programOf(recipe);
        await expectSameBits(open, program, fillIn(program, 5));
      }),
      { seed: 5, numRuns: 80, endOnFailure: true },
    );
  });
});
