// PyTorch files as texts: that every architecture has one, what stands in it, and what is refused. Runs no PyTorch.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type ArchitectureInput, defineArchitecture } from "../../../src/architecture/architecture.ts";
import { presets } from "../../../src/architecture/presets.ts";
import { pytorchFile } from "../../../src/architecture/pytorch/file.ts";
import { definePrimitive } from "../../../src/nn/primitive.ts";
import { primitives, registerPrimitives } from "../../../src/nn/primitives.ts";
import { presetFamilies, variants } from "./families.ts";

const plain = { vocabulary: 11, length: 6, width: 16, heads: 2 } as const;

function textOf(input: ArchitectureInput): string {
  return pytorchFile(defineArchitecture(input)).text;
}

const python = spawnSync("python3", ["--version"]).status === 0 ? "python3" : undefined;

describe("a PyTorch file", () => {
  const files = new Map(
    [...presetFamilies(), ...Object.entries(variants)].map(([name, input]) => [name, textOf(input)]),
  );

  test("is there for every family of presets and for every primitive", () => {
    expect(files.size).toBeGreaterThan(60);
    const named = (name: string) => new RegExp(`"${name}"|\\b${name}\\b`);
    const asked = JSON.stringify([...presetFamilies().values(), ...Object.values(variants)]);
    expect([...primitives.keys()].filter((name) => !named(name).test(asked))).toEqual([]);
    for (const text of files.values()) expect(text).not.toMatch(/undefined|NaN|Infinity|\[object/);
  });

  test.skipIf(python === undefined)("is Python", () => {
    const check = "import ast, json, sys\nfor text in json.load(sys.stdin): ast.parse(text)";
    execFileSync(python!, ["-c", check], { input: JSON.stringify([...files.values()]) });
    expect(() =>
      execFileSync(python!, ["-c", check], { input: JSON.stringify(["x = (1"]), stdio: "pipe" }),
    ).toThrow();
  });

  test("has short lines, no tabs, and only what the model needs", () => {
    for (const [name, text] of files) {
      expect(
        text.split("\n").filter((line) => line.length > 120 || /\t|\s$/.test(line)),
        name,
      ).toEqual([]);
    }
    const gpt = textOf({ ...plain, layers: 3 });
    expect(gpt.match(/^class \w+/gm)).toEqual(["class Attention", "class MLP", "class Block", "class Model"]);
    expect(gpt).not.toMatch(/rotary|dropout|import math/i);
  });

  test("calls every stored parameter otherwise than any other", () => {
    for (const input of [...presetFamilies().values(), ...Object.values(variants)]) {
      const names = [...pytorchFile(defineArchitecture(input)).parameters.values()].map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("gives one primitive two classes where its settings differ in kind, one where they differ in size", () => {
    const text = textOf({
      ...plain,
      positions: "none",
      stripe: "[attention(window: 3), attention(window: 4), attention]",
    });
    expect(text.match(/= Attention2?\(.*\)/g)).toEqual([
      "= Attention(WIDTH, heads=2, window=3)",
      "= Attention(WIDTH, heads=2, window=4)",
      "= Attention2(WIDTH, heads=2)",
    ]);
  });

  test("is what the documentation shows", () => {
    const document = readFileSync(new URL("../../../docs/export.md", import.meta.url), "utf8");
    const [, shown] = /```python\n(class Block[^`]*)```/.exec(document)!;
    expect(textOf(presets.get("gpt2")!)).toContain(shown);
  });

  test("knows a preset of full size", () => {
    const text = textOf(presets.get("llama-3-70b")!);
    expect(text).toContain("Attention(WIDTH, heads=64, kv_heads=8, rotary_base=5e5)");
    expect(text).toContain("range(80)");
  });

  test("has one for a primitive of one's own that says what it is", () => {
    const settings = { factor: z.number().default(2) };
    const common = { settings, resolve: (given: { factor: number }) => given, causal: () => true };
    const apply = (_: unknown, __: unknown, ___: unknown, x: never) => x;
    registerPrimitives([
      definePrimitive({ name: "class", ...common, apply }),
      ...["ownPart", "own-part"].map((name) =>
        definePrimitive({
          name,
          ...common,
          apply,
          pytorch: () => ({ name: "Own", arguments: [], body: "    pass" }),
        }),
      ),
      definePrimitive({
        name: "half",
        ...common,
        apply,
        pytorch: ({ factor }) => ({
          name: "Model",
          arguments: [`factor=${factor}`],
          body: "    def __init__(self, factor):\n        super().__init__()\n\n    def forward(self, x):\n        return x",
        }),
      }),
    ]);
    expect(textOf({ vocabulary: 3, length: 2, width: 4, stripe: "[half]" })).toContain(
      "self.half_ = Model2(factor=2)",
    );
    expect(() => textOf({ vocabulary: 3, length: 2, width: 4, stripe: "[ownPart, own-part]" })).toThrow(
      "export: two parts of a block would be called own_part in Python",
    );
    expect(() => textOf({ vocabulary: 3, length: 2, width: 4, stripe: "[class]" })).toThrow(
      "export: primitive class has no PyTorch form; give definePrimitive one as its member pytorch",
    );
  });
});
