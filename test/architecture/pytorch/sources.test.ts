// Sources, loops and paths in the texts of PyTorch files, and what the stored parameters are called there. Runs no PyTorch.
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../../src/architecture/architecture.ts";
import { pytorchFile } from "../../../src/architecture/pytorch/file.ts";

function textOf(input: ArchitectureInput): string {
  return pytorchFile(defineArchitecture(input)).text;
}

describe("in the text of a PyTorch file", () => {
  const shaped = { vocabulary: 11, length: 6, width: 16, heads: 2, positions: "rope", repeat: 4 } as const;
  const initLines = (input: ArchitectureInput) =>
    /class Model.*?self\.blocks = [^\n]*\n(.*?) {8}self\.norm = /s.exec(textOf(input))![1];

  test("matrices are computed from what is stored, the lowest source first", () => {
    const input = { ...shaped, sources: ["lora(rank: 2)", "share(period: 2)", "mpo(rank: 3)"] } as const;
    expect(initLines(input)).toBe(`\
        centers = {}  # the central tensors, the same in every repetition of a block
        for matrix in matrices(self):
            if matrix.deviation is not None:
                chain = TensorChain(matrix, rank=3)
                chain.tensors[2] = centers.setdefault(matrix.kind, chain.tensors[2])
                matrix.replace(chain)
        for block, first in zip(self.blocks, [0, 1, 0, 1]):  # with the parameters of an earlier one
            tie(block.attention, self.blocks[first].attention)
            tie(block.gelu, self.blocks[first].gelu)
        for matrix in matrices(self):
            matrix.compute(LowRank(matrix, rank=2))
`);
    const { parameters } = pytorchFile(defineArchitecture(input));
    const names = [...parameters].filter(([, { name }]) => /^blocks\.[01]\.gelu\.up\./.test(name));
    const stored = (block: number) => `blocks.${block}.gelu.up.parametrizations.weight`;
    expect(Object.fromEntries(names.map(([own, { name }]) => [own, name]))).toEqual({
      ...Object.fromEntries(
        [0, 1].flatMap((block) => [
          ...[0, 1, 3, 4].map((k) => [
            `block.${block}.gelu.up.weight.mpo.${k}`,
            `${stored(block)}.0.source.tensors.${k}`,
          ]),
          ...["left", "right"].map((side) => [
            `block.${block}.gelu.up.weight.lora.${side}`,
            `${stored(block)}.1.source.${side}`,
          ]),
        ]),
      ),
      "blocks.gelu.up.weight.mpo.2": `${stored(0)}.0.source.tensors.2`,
    });
  });

  test("what lies below a source keeps the layout of its layer", () => {
    const { parameters } = pytorchFile(defineArchitecture({ ...shaped, sources: ["ternary"] }));
    expect(parameters.get("block.3.attention.query.weight")).toEqual({
      name: "blocks.3.attention.query.parametrizations.weight.original",
      transposed: true,
    });
  });

  test("a bank is the model's own", () => {
    const { text, parameters } = pytorchFile(
      defineArchitecture({ ...shaped, sources: ["bank(size: 50, seed: 6)"] }),
    );
    expect(parameters.get("bank")!.name).toBe("bank");
    expect([...parameters.keys()].some((name) => name.endsWith("query.weight"))).toBe(false);
    expect(text).toContain("order = bank_order(50, seed=6, count=sum(sizes))");
  });

  test("blocks have the matrices that are computed, and what they begin with", () => {
    const text = textOf({
      ...{ vocabulary: 11, length: 6, width: 16, positions: "none" },
      stripe: "[gelu] + [mamba(rank: 3)] × 2",
      sources: ["maps"],
      standardDeviation: 0.1,
    });
    expect(text).toMatch(/class First.*?"gelu\.up\.weight": DEVIATION,.*?class Block/s);
    expect(text).toContain(`"mamba.select.weight": ${1 / Math.sqrt(32) / Math.sqrt(3)}`.slice(0, 38));
    expect(text).toContain("matrix.compute(OutputMap(matrix, groups=8))");
    expect(text).toContain("\nimport math\n");
  });

  test("without sources that compute, blocks share modules, and nothing is parametrised", () => {
    const text = textOf({ ...shaped, share: {}, paths: 2 });
    expect(text).toContain("block.attention.paths = self.blocks[0].attention.paths\n");
    expect(text).toContain("block.attention.path_weights = self.blocks[0].attention.path_weights\n");
    expect(text).toContain(
      "self.attention = Paths(lambda: Attention(WIDTH, heads=2, rotary_base=1e4), WIDTH, count=2)",
    );
    expect(text).not.toMatch(/parametrize|MATRICES|path_norm = self/);
  });

  test("a block knows which time it is applied where that matters", () => {
    const last = (input: Partial<ArchitectureInput>) => {
      const text = textOf({ ...shaped, first: ["gelu"], ...input });
      return [/self\.blocks = .*/, /for \S+ in range\(3\):\n.*/, /self\.rate\(2 \*.*?\)/].map((pattern) =>
        pattern.exec(text)?.[0].replace(/\s+/g, " "),
      );
    };
    expect(last({ loop: { times: 3, between: "none" } })).toEqual([
      "self.blocks = nn.ModuleList(Block() for _ in range(4))",
      "for _ in range(3): x = block(x)",
      undefined,
    ]);
    expect(last({ loop: { times: 3, between: "none" }, stochasticDepth: 0.1 })).toEqual([
      "self.blocks = nn.ModuleList(Block(before=1 + 6 * i) for i in range(4))",
      "for repetition in range(3): x = block(x, repetition)",
      "self.rate(2 * repetition + 1)",
    ]);
    expect(last({ loop: { times: 3 } })).toEqual([
      "self.blocks = nn.ModuleList(Block() for _ in range(4))",
      "for repetition in range(3): x = block(x, repetition)",
      undefined,
    ]);
  });

  test("a source that nothing comes of is left out", () => {
    const names = (sources: string[]) => /TensorChain|FromBank/.exec(textOf({ ...shaped, sources }))?.[0];
    expect(names(["bank(size: 50)", "mpo"])).toBe("TensorChain");
    expect(names(["mpo", "bank(size: 50)"])).toBe("FromBank");
  });
});
