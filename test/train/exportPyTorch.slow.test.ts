// A trained run taken to PyTorch: its two files as a program, with its own weights and with others.
// SCANTLING_PYTHON names a Python with PyTorch; without it there is nothing to run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forward } from "../../src/architecture/forward.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { evaluate, input, type NdArray } from "../../src/tensor/index.ts";
import { exportPyTorch } from "../../src/train/exportPyTorch.ts";
import { modelOf } from "../../src/train/exportRun.ts";
import { torch } from "../architecture/pytorch/torch.ts";
import { trainedRun } from "./trainedRun.ts";

const base = mkdtempSync(join(tmpdir(), "scantling-pytorch-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe.skipIf(torch === undefined)("a run in PyTorch", () => {
  let run: string;
  let file: string;
  let weights: string;
  beforeAll(async () => {
    run = await trainedRun(join(base, "abc"));
    ({ file, weights } = exportPyTorch({ folder: run }) as { file: string; weights: string });
  });
  const program = (...words: string[]) => {
    const { stdout, stderr, status } = spawnSync(torch!, words, { encoding: "utf8" });
    return { lines: stdout.trim().split("\n"), stderr, status };
  };

  test("is a program that trains from its weights", () => {
    const { lines, status } = program(file, weights);
    expect(status).toBe(0);
    const { architecture } = modelOf({ folder: run });
    expect(lines).toContain(`logits [2, 4, ${architecture.vocabulary}]`);
    const losses = lines.flatMap((line) => /^step \d: loss (\S+)$/.exec(line)?.[1] ?? []).map(Number);
    expect(losses.length).toBe(10);
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  });

  test("gives the logits of the trained model", () => {
    const model = modelOf({ folder: run });
    const bound: Record<string, NdArray> = { tokens: { shape: [1, 4], data: Float64Array.of(0, 1, 2, 3) } };
    for (const [name, { shape, values }] of model.weights)
      bound[name] = { shape, data: Float64Array.from(values) };
    const tokens = input("tokens", [1, 4], "i32");
    const [wanted] = evaluate([forward(model.architecture, inputSource(), tokens)], bound);
    const asking = join(base, "ask.py");
    writeFileSync(
      asking,
      "import json, torch\nfrom abc_ import load\nimport sys\n" +
        "print(json.dumps(load(sys.argv[1]).eval()(torch.tensor([[0, 1, 2, 3]])).flatten().tolist()))\n",
    );
    // Python has a module called abc of its own.
    exportPyTorch({ folder: run, file: join(base, "abc_.py") });
    const { lines } = program(asking, weights);
    const found = JSON.parse(lines.at(-1)!) as number[];
    expect(found.length).toBe(wanted!.data.length);
    expect(Math.max(...found.map((x, i) => Math.abs(x - wanted!.data[i]!)))).toBeLessThan(1e-5);
  });

  test("refuses the weights of another model by name", () => {
    const other = join(base, "other.py");
    const architecture = { ...modelOf({ folder: run }).architecture, tie: true };
    exportPyTorch({ architecture, file: other });
    const { stderr, status } = program(other, weights);
    expect(status).not.toBe(0);
    expect(stderr).toContain("not the weights of this model: {'head.weight'}");
  });
});
