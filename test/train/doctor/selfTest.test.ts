import { beforeAll, describe, expect, it } from "vitest";
import type { Machine } from "../../../src/backend/machine.ts";
import { createNative, type NativeMachine } from "../../../src/backend/native/index.ts";
import { createReference } from "../../../src/backend/reference.ts";
import { opcode } from "../../../src/backend/tape/opcodes.ts";
import { selfTestPrograms } from "../../../src/train/doctor/programs.ts";
import { createSelfTest, type SelfTest } from "../../../src/train/doctor/selfTest.ts";

let native: NativeMachine;
beforeAll(async () => {
  native = await createNative({ threads: 2 }); // compiles the kernels where they are not kept
}, 300_000);

const selfTest = createSelfTest();

async function collect(machine: Machine, signal?: AbortSignal): Promise<SelfTest[]> {
  const tests: SelfTest[] = [];
  for await (const test of selfTest.run(machine, signal)) tests.push(test);
  return tests;
}

/** The native machine with one thing wrong: one result of every program is one in a hundred too large. */
function broken(): Machine {
  return {
    ...native,
    load: (program) => {
      const executable = native.load(program);
      const name = Object.keys(program.outputs)[0]!;
      return {
        ...executable,
        run: async (store) => {
          await executable.run(store);
          const values = store.read(name);
          values.forEach((value, i) => {
            values[i] = value * 1.01 + 0.02;
          });
        },
      };
    },
  };
}

describe("the self-test", () => {
  it("passes on the native backend", async () => {
    const tests = await collect(native);
    expect(tests.filter(({ passed }) => !passed)).toEqual([]);
    expect(tests.map(({ name }) => name)).toEqual(selfTestPrograms.map(({ name }) => name));
  });

  it("finds no error in the reference itself", async () => {
    expect((await collect(createReference())).map(({ error }) => error)).toEqual(
      selfTestPrograms.map(() => 0),
    );
  });

  it("fails where results are wrong, and names one", async () => {
    const tests = await collect(broken());
    expect(tests.filter(({ passed }) => passed)).toEqual([]);
    expect(tests.find(({ name }) => name === "products")).toMatchObject({ where: "product" });
  });

  it("fails, and says why, where a program does not run at all", async () => {
    const refusing: Machine = {
      ...native,
      load: () => {
        throw new RangeError("a broken tape");
      },
    };
    for (const test of await collect(refusing)) {
      expect(test).toMatchObject({ passed: false, error: null, where: "a broken tape" });
    }
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    let seen = 0;
    for await (const _ of selfTest.run(createReference(), stop.signal)) {
      seen++;
      stop.abort();
    }
    expect(seen).toBe(1);
  });
});

describe("its programs", () => {
  const encoded = () => selfTestPrograms.map(({ program }) => native.load(program()).encoded);

  it("run every instruction of the kernels", () => {
    const used = new Set(
      encoded().flatMap(({ words, instructions }) => instructions.map(({ word }) => words[word])),
    );
    const missing = Object.keys(opcode).filter((name) => !used.has(opcode[name as keyof typeof opcode]));
    expect(missing).toEqual(["innerLoop"]); // which no encoder writes
  });
});
