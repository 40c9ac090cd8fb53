// Runs of wasm machines beside each other, waited for and not, and their ends.
import { afterAll, describe, expect, test } from "vitest";
import type { Machine, Store } from "../../../src/backend/machine.ts";
import { createWasm, type WasmMachine } from "../../../src/backend/wasm/index.ts";
import { hasRelaxedSimd } from "../../../src/backend/wasm/module.ts";
import { RequestError } from "../../../src/errors.ts";
import {
  add,
  concatenate,
  input,
  literal,
  matmul,
  multiply,
  type Program,
  program,
  sum,
} from "../../../src/tensor/index.ts";

const size = 96;

/** state ← state · matrix + 1, total = Σ state. */
function stepping(): Program {
  const state = input("state", [size, size]);
  const next = add(matmul(state, input("matrix", [size, size])), 1);
  return program({ total: sum(next) }, { state: next });
}

function storeFor(machine: Machine, scale: number): Store {
  const store = machine.createStore();
  for (const name of ["state", "matrix"]) store.allocate(name, { shape: [size, size], dtype: "f32" });
  store.write(
    "matrix",
    Float32Array.from({ length: size * size }, (_, i) => (scale * ((i % 7) - 3)) / size),
  );
  return store;
}

/** The state after so many steps, one after the other on one thread. */
async function expected(scale: number, steps: number): Promise<number[]> {
  const machine = await createWasm({ threads: 1 });
  const store = storeFor(machine, scale);
  const executable = machine.load(stepping());
  for (let i = 0; i < steps; i++) executable.runSync(store);
  machine.dispose();
  return Array.from(store.read("state"));
}

const opened: WasmMachine[] = [];
const open = async (threads: number): Promise<WasmMachine> => {
  const machine = await createWasm({ threads });
  opened.push(machine);
  return machine;
};
afterAll(() => {
  for (const machine of opened) machine.dispose();
});

describe("runs", () => {
  test("of several machines, on this thread and beside it, give what one after the other gives", async () => {
    const machines = await Promise.all([open(1), open(2), open(3)]);
    const scales = [0.1, 0.2, 0.3];
    const stores = machines.map((machine, i) => storeFor(machine, scales[i]!));
    const executables = machines.map((machine) => machine.load(stepping()));
    const pending: Promise<void>[] = [];
    for (let round = 0; round < 10; round++) {
      executables.forEach((executable, i) => {
        if ((round + i) % 2 === 0) pending.push(executable.run(stores[i]!));
      });
      await new Promise((resume) => setImmediate(resume));
      executables.forEach((executable, i) => {
        if ((round + i) % 2 === 1) executable.runSync(stores[i]!);
      });
    }
    await Promise.all(pending);
    for (const [i, store] of stores.entries()) {
      expect(Array.from(store.read("state"))).toEqual(await expected(scales[i]!, 10));
    }
  });

  test("leave the event loop free", async () => {
    const machine = await open(2);
    const large = program({
      y: matmul(input("a", [1500, 1500]), input("a", [1500, 1500])),
    });
    const store = machine.createStore();
    store.allocate("a", { shape: [1500, 1500], dtype: "f32" });
    const executable = machine.load(large);
    await executable.run(store); // the conductor has started
    let turns = 0;
    let running = true;
    const run = executable.run(store).then(() => {
      running = false;
    });
    while (running) {
      turns++;
      await new Promise((resume) => setImmediate(resume));
    }
    await run;
    expect(turns).toBeGreaterThan(10);
  });

  test("that are asked for at once work on their own stores", async () => {
    const machine = await open(2);
    const executable = machine.load(stepping());
    const stores = [0.1, 0.2, 0.3, 0.4].map((scale) => storeFor(machine, scale));
    await Promise.all(stores.map((store) => executable.run(store)));
    await Promise.all(stores.map((store) => executable.run(store)));
    for (const [i, scale] of [0.1, 0.2, 0.3, 0.4].entries()) {
      expect(Array.from(stores[i]!.read("state"))).toEqual(await expected(scale, 2));
    }
  });

  test("survive that memory grows, and that values are released, while they are under way", async () => {
    const machine = await open(3);
    const executable = machine.load(stepping());
    const store = storeFor(machine, 0.2);
    store.allocate("ballast", { shape: [1000], dtype: "f32" });
    for (let round = 0; round < 10; round++) {
      const run = executable.run(store);
      store.release("ballast");
      store.allocate("ballast", { shape: [1_000_000 * (round + 1)], dtype: "f32" });
      expect(store.read("ballast")[12345]).toBe(0);
      store.read("ballast").fill(9);
      await run;
    }
    expect(Array.from(store.read("state"))).toEqual(await expected(0.2, 10));
  });

  test("are refused for a missing input, another machine's store, and after the end", async () => {
    const [machine, other] = [await open(2), await open(1)];
    const executable = machine.load(stepping());
    expect(() => executable.runSync(machine.createStore())).toThrow(
      `input "state": expected f32 [${size},${size}], the store has none`,
    );
    await expect(executable.run(machine.createStore())).rejects.toThrow('input "state"');
    expect(() => executable.runSync(storeFor(other, 1))).toThrow("the machine that created it");
    const store = storeFor(machine, 0.1);
    const pending = [executable.run(store), executable.run(store)];
    machine.dispose();
    machine.dispose();
    await Promise.all(pending); // what was asked for before the end is done
    expect(Array.from(store.read("state"))).toEqual(await expected(0.1, 2));
    expect(() => executable.runSync(store)).toThrow("disposed");
    await expect(executable.run(store)).rejects.toThrow("disposed");
  });

  test("give back all memory that programs and their values took", async () => {
    const machine = await open(2);
    const cycle = (): number => {
      const store = machine.createStore();
      const x = input("x", [4000]);
      const half = literal(
        Float64Array.from({ length: 4000 }, (_, i) => i),
        [4000],
      );
      const executable = machine.load(program({ y: concatenate([multiply(x, half), x], 0) }));
      store.allocate("x", { shape: [4000], dtype: "f32" });
      executable.runSync(store);
      executable.dispose();
      const at = store.read("y").byteOffset;
      for (const name of store.names()) store.release(name);
      return at;
    };
    cycle();
    const first = cycle();
    for (let i = 0; i < 20; i++) expect(cycle()).toBe(first);
  });
});

test("the peak is measured", async () => {
  const machine = await open(2);
  const tries = Array.from({ length: 5 }, () => machine.peakGflops(5));
  expect(Math.max(...tries)).toBeGreaterThan(0.5);
});

test.each([0, 65, 1.5, Number.NaN])("%s threads are refused", async (threads) => {
  await expect(createWasm({ threads })).rejects.toThrow(RequestError);
});

test.skipIf(hasRelaxedSimd())("relaxed SIMD is refused in one line where Node has none", async () => {
  await expect(createWasm({ threads: 1, relaxed: true })).rejects.toThrow(
    /^--relaxed-simd needs Node 22 or later, this is v.*: leave it out or use a newer Node$/,
  );
});

test("says what the bits of its results depend on", async () => {
  const exact = await open(1);
  expect(exact.name).toBe("wasm");
  expect(exact.identity).toMatch(/^kernels [0-9a-f]{8}$/);
  if (!hasRelaxedSimd()) return;
  const relaxed = await createWasm({ threads: 1, relaxed: true });
  opened.push(relaxed);
  expect(relaxed.name).toBe("wasm-relaxed");
  expect(relaxed.identity).toMatch(/^.+, kernels [0-9a-f]{8}$/);
  expect(relaxed.identity).not.toContain(exact.identity);
});
