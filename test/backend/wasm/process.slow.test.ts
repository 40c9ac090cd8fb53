// Wasm machines in processes of their own, from the compiled package: they keep no process alive, unless it has a run to
// wait for, and give the same bits in every version of Node.
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
beforeAll(() => void execFileSync(process.execPath, ["scripts/build.js"], { cwd: root }));

/** What a program prints that has the library as `s`, within half a minute. */
function output(code: string, node = process.execPath): string {
  const source = `import * as s from "${new URL("../../../dist/index.js", import.meta.url)}";\n${code}`;
  const { stdout, stderr, status, signal } = spawnSync(node, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    timeout: 120_000,
  });
  expect([status, signal, stderr]).toEqual([0, null, ""]);
  return stdout;
}

const machine = `
  const { machine } = await s.openMachine({ backend: "wasm", threads: 3 });
  const store = machine.createStore();`;
const product = `
  const x = s.tensor.input("x", [800, 800]);
  const executable = machine.load(s.tensor.program({ y: s.tensor.matmul(x, x) }));
  store.allocate("x", x);
  store.read("x").fill(0.5);`;

describe("a process ends", () => {
  test("with a machine that has run and waits", () => {
    expect(
      output(
        `${machine}${product} executable.runSync(store); await executable.run(store); console.log("end")`,
      ),
    ).toBe("end\n");
  });

  test("only after the run that is under way", () => {
    expect(
      output(`${machine}${product} executable.run(store).then(() => console.log(store.read("y")[0]))`),
    ).toBe("200\n");
  });

  test("while a run is under way, where it is told to", () => {
    expect(output(`${machine}${product} executable.run(store); setImmediate(() => process.exit())`)).toBe("");
  });
});

// NODES: paths of other versions of Node, with colons between them (the npm package "node" has them).
const nodes = (process.env.NODES ?? "").split(":").filter((path) => path !== "");

describe.skipIf(nodes.length === 0)("with NODES", () => {
  // The losses of a few steps of W1 as bits, on three threads.
  const losses = `
    const { machine } = await s.openMachine({ backend: "wasm", threads: 3 });
    const { lossFirst, lossLast } = await s.timeSteps(machine, s.W1, { batch: 16, steps: 5, seed: 1 });
    console.log(Buffer.from(Float64Array.of(lossFirst, lossLast).buffer).toString("hex"));`;

  test.each(nodes)("%s gives the losses of this Node bit for bit", (node) => {
    const here = output(losses);
    expect(here).toMatch(/^[0-9a-f]{32}\n$/);
    expect(output(losses, node)).toBe(here);
  });
});
