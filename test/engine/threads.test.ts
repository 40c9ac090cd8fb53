// The same program gives the same bits on any number of threads and from run to run, in the float build.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
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
import { fillIn, native, runOn, type Values } from "./harness.ts";
import { programOf, recipes } from "./random/program.ts";
import { trainingProgram, trainings } from "./training.ts";

beforeAll(async () => void (await native(false)), 300_000); // compiles the kernels where they are not kept

const bits = (values: Float64Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("latin1");

async function expectSameBits(program: Program, values: Values, threads: readonly number[]): Promise<void> {
  const expected = runOn(await native(false, 1), program, values, 2);
  for (const count of threads) {
    const found = runOn(await native(false, count), program, values, 2);
    for (const [name, wanted] of expected) {
      if (bits(found.get(name)!) !== bits(wanted))
        expect.fail(`"${name}" on ${count} threads is not what it is on one`);
    }
  }
}

test.each(trainings)("a training step: $name", async (of) => {
  const { program, values } = trainingProgram(of);
  await expectSameBits(program, values, [1, 2, 3, 7]);
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
  await expectSameBits(built, fillIn(built, 2), [1, 2, 3, 7]);
});

test("random programs", async () => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const program = programOf(recipe);
      await expectSameBits(program, fillIn(program, 5), [1, 2, 3, 7]);
    }),
    { seed: 5, numRuns: 80, endOnFailure: true },
  );
});
