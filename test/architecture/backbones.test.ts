// Image classifiers, encoders and the autoencoder: forward and gradients against plain loops, and what is refused.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ArchitectureInput, defineArchitecture } from "../../src/architecture/architecture.ts";
import { count, countedParameters } from "../../src/architecture/count.ts";
import { stepProgram, writesText } from "../../src/architecture/decode.ts";
import { forward, inputType } from "../../src/architecture/forward.ts";
import { presetArchitecture } from "../../src/architecture/presets.ts";
import { parseYaml } from "../../src/architecture/read.ts";
import { printStripe } from "../../src/architecture/stripe.ts";
import { RequestError } from "../../src/errors.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { crossEntropy, evaluate, gradients, input, type NdArray, reshape } from "../../src/tensor/index.ts";
import { generator } from "../tensor/harness.ts";
import { type PlainEncoder, plainEncoderLogits } from "./plainEncoder.ts";

const BATCH = 2;
const LENGTH = 5;
const VOCABULARY = 7;

const common = {
  ...{ vocabulary: VOCABULARY, length: LENGTH, width: 8, layers: 2, heads: 2, feedforward: 6 },
  ...{ activation: "geluExact", bias: true, causal: false, standardDeviation: 0.4 },
} as const;
const image = { ...common, inputs: 3, headBias: true } as const;

const cases: Record<string, ArchitectureInput> = {
  "ViT: learned class token": { ...image, classToken: "learned", pool: "class" },
  "WideNet's ViT: zero class token, representation layer": {
    ...{ ...image, classToken: "zero", pool: "class", representation: true },
  },
  "average over patches and class token": {
    ...{ ...image, classToken: "zero", pool: "average", representation: true },
  },
  "average, no class token, no positions": { ...image, pool: "average", positions: "none" },
  "BERT: post-norm, normalised embedding, token types, tied": {
    ...{ ...common, block: "post", embeddingNorm: true, tokenTypes: 2, tie: true, representation: true },
  },
  "ALBERT's narrow table": {
    ...{ ...common, block: "post", embeddingNorm: true, tokenTypes: 2, tie: true, headBias: true },
    ...{ embeddingWidth: 3, representation: true, normEpsilon: 0.1 },
  },
  "text classifier": { ...common, classToken: "learned", pool: "class", headBias: true },
  autoencoder: {
    ...common,
    positions: "none",
    pool: "last",
    decoder: "mlp",
    headBias: true,
    normEpsilon: 0.1,
  },
};

function setUp(given: ArchitectureInput) {
  const architecture = defineArchitecture(given);
  const source = inputSource();
  const { shape, dtype } = inputType(architecture, BATCH, LENGTH);
  const logits = forward(architecture, source, input("tokens", shape, dtype));
  const random = generator(3);
  const bound: Record<string, NdArray> = {};
  for (const [name, declaration] of source.declared) {
    const data = Float64Array.from(initialValues(name, declaration, 5), (value) => value + random() - 0.5);
    bound[name] = { shape: declaration.shape, data };
  }
  const isImage = architecture.inputs !== null;
  const sequences = Array.from({ length: BATCH }, () =>
    Array.from({ length: LENGTH }, () =>
      isImage ? [0, 1, 2].map(() => 2 * random() - 1) : Math.floor(VOCABULARY * random()),
    ),
  );
  bound.tokens = { shape, data: Float64Array.from(sequences.flat(2)) };
  const plain: PlainEncoder = {
    ...{ blocks: 2, heads: 2, post: architecture.block === "post", decoder: architecture.decoder !== null },
    ...{ classToken: architecture.classToken, pool: architecture.pool, tie: architecture.tie },
    ...{ representation: architecture.representation, embeddingNorm: architecture.embeddingNorm },
    normEpsilon: architecture.normEpsilon,
  };
  return { architecture, source, logits, bound, sequences, plain };
}

describe("forward equals plain loops", () => {
  test.each(Object.entries(cases))("%s", (_, given) => {
    const { architecture, logits, bound, sequences, plain } = setUp(given);
    const places = architecture.pool === null || architecture.decoder !== null ? LENGTH : 1;
    expect(logits.shape).toEqual([BATCH, places, VOCABULARY]);
    const expected = sequences.flatMap((sequence) => plainEncoderLogits(plain, bound, sequence).flat());
    const [actual] = evaluate([logits], bound);
    expect(actual!.data).toHaveLength(expected.length);
    expected.forEach((value, i) => {
      expect(actual!.data[i]).toBeCloseTo(value, 9);
    });
  });
});

describe("gradients are slopes of the plain loss", () => {
  test.each(Object.entries(cases))("%s", (_, given) => {
    const { source, logits, bound, sequences, plain } = setUp(given);
    const places = logits.shape[1]!;
    const wanted = Array.from({ length: BATCH * places }, (_, i) => i % VOCABULARY);
    const rows = reshape(logits, [BATCH * places, VOCABULARY]);
    const { loss } = crossEntropy(rows, input("targets", [BATCH * places], "i32"));
    const names = [...source.tensors.keys()];
    const slopes = evaluate(gradients(loss, [...source.tensors.values()]), {
      ...bound,
      targets: { shape: [BATCH * places], data: Float64Array.from(wanted) },
    });
    const plainLoss = (): number => {
      const all = sequences.flatMap((sequence) => plainEncoderLogits(plain, bound, sequence));
      const losses = all.map(
        (row, i) => Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[wanted[i]!]!,
      );
      return losses.reduce((a, b) => a + b) / losses.length;
    };
    const random = generator(8);
    names.forEach((name, i) => {
      const { data } = bound[name]!;
      const at = Math.floor(random() * data.length);
      const value = data[at]!;
      const step = 1e-5;
      data[at] = value + step;
      const above = plainLoss();
      data[at] = value - step;
      const slope = (above - plainLoss()) / (2 * step);
      data[at] = value;
      expect(slopes[i]!.data[at], name).toBeCloseTo(slope, 6);
    });
  });
});

test("a class token is one more place for every primitive, and the printed stripe is read again", () => {
  const architecture = defineArchitecture({
    ...{ vocabulary: VOCABULARY, length: LENGTH, width: 8, inputs: 3, classToken: "zero", pool: "class" },
    stripe: ["hyena", "geluExact(feedforward: 6)"],
  });
  const source = inputSource();
  const { shape, dtype } = inputType(architecture, 1, LENGTH);
  expect(forward(architecture, source, input("tokens", shape, dtype)).shape).toEqual([1, 1, VOCABULARY]);
  expect(source.declared.get("embedding.positions")!.shape).toEqual([LENGTH + 1, 8]);
  const again = defineArchitecture({ ...architecture, stripe: printStripe(architecture) });
  expect(again.stripe).toEqual(architecture.stripe);
  expect(defineArchitecture(architecture)).toEqual(architecture);
});

test("counts of a pooled model: the head runs once for a sequence", () => {
  const pooled = defineArchitecture({ ...image, pool: "average" });
  const each = defineArchitecture(image);
  const difference = count(each).flopsPerToken.forward - count(pooled).flopsPerToken.forward;
  const head = (2 * 8 + 1) * VOCABULARY;
  expect(difference).toBeGreaterThan(0.5 * head * ((LENGTH - 1) / LENGTH));
  expect(count(each).parameters).toEqual(count(pooled).parameters);
});

test("what is pooled cannot write", () => {
  const architecture = defineArchitecture({ ...common, causal: true, pool: "last" });
  expect(writesText(architecture)).toBe(false);
  expect(() => stepProgram(architecture, 1)).toThrow(/one place for a whole sequence/);
});

describe("stochastic depth", () => {
  const architecture = defineArchitecture({ ...image, pool: "average", stochasticDepth: 0.5, layers: 2 });
  const plainOne = defineArchitecture({ ...image, pool: "average", layers: 2 });
  const SEQUENCES = 400;
  const shape = [SEQUENCES, LENGTH, 3];

  test("leaves primitives out a sequence at a time, the later the more often, and not outside of training", () => {
    const seen: Record<string, number[]> = {};
    const source = inputSource();
    const outputs = new Map<string, ReturnType<typeof input>>();
    const observe = (name: string, tensor: ReturnType<typeof input>) => {
      if (/residual$|^embedding$/.test(name)) outputs.set(name, tensor);
    };
    forward(architecture, source, input("tokens", shape), { observe, randomKey: input("key", [2], "u32") });
    const random = generator(1);
    const bound: Record<string, NdArray> = {
      key: { shape: [2], data: Float64Array.of(7, 9) },
      tokens: { shape, data: Float64Array.from({ length: SEQUENCES * LENGTH * 3 }, () => random() - 0.5) },
    };
    for (const [name, declaration] of source.declared) {
      bound[name] = {
        shape: declaration.shape,
        data: Float64Array.from(initialValues(name, declaration, 5)),
      };
    }
    const names = [...outputs.keys()];
    const values = evaluate([...outputs.values()], bound);
    names.forEach((name, i) => {
      if (i === 0) return;
      const size = LENGTH * 8;
      seen[name] = Array.from({ length: SEQUENCES }, (_, row) => {
        const same = Array.from({ length: size }, (_, j) => row * size + j).filter(
          (at) => values[i]!.data[at] === values[i - 1]!.data[at],
        );
        // A sequence is changed everywhere or nowhere.
        expect([0, size]).toContain(same.length);
        return same.length / size;
      });
    });
    Object.values(seen).forEach((dropped, i) => {
      const share = dropped.reduce((a, b) => a + b) / SEQUENCES;
      expect(Math.abs(share - (0.5 * (i + 1)) / 4)).toBeLessThan(0.08);
    });
    expect(Object.keys(seen)).toHaveLength(4);
    const [untrained] = evaluate([forward(architecture, inputSource(), input("tokens", shape))], bound);
    const [without] = evaluate([forward(plainOne, inputSource(), input("tokens", shape))], bound);
    expect([...untrained!.data]).toEqual([...without!.data]);
  });
});

describe("docs/backbones.md", () => {
  const page = readFileSync(new URL("../../docs/backbones.md", import.meta.url), "utf8");

  test("its files are architectures", () => {
    // The vocabulary of the encoder is that of what it is trained on.
    const files = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => {
      const isEncoder = text!.startsWith("# encoder.yaml");
      return defineArchitecture(parseYaml(isEncoder ? `vocabulary: 257\n${text}` : text!));
    });
    expect(files.map(({ pool }) => pool)).toEqual(["class", "last", null]);
    const [classifier, autoencoder] = files.map((file) => countedParameters(file).total);
    const block = 2 * 2 * 64 + 4 * (64 ** 2 + 64) + (64 * 256 + 256) + (256 * 64 + 64);
    expect(classifier).toBe(49 * 64 + 64 + 64 + 17 * 64 + 6 * block + 2 * 64 + (64 * 10 + 10));
    const decoder = 2 * (128 + 128 ** 2 + 128) + 128 + (128 * 16 + 16);
    const encoder = 16 * 128 + 2 * (2 * 128 + 4 * (128 ** 2 + 128) + 3 * 128 * 352);
    expect(autoencoder).toBe(encoder + decoder);
  });

  test("its sizes are counted", () => {
    const rows = [...page.split("## Presets")[1]!.matchAll(/^\| (`.*`) +\| ([\d,; ]+?) +\|$/gm)];
    const told = rows.flatMap(([, names, sizes]) => {
      const [first, ...others] = [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
      const stem = first!.replace(/-\d+$/, "");
      const all = [first!, ...others.map((name) => (name.startsWith("-") ? `${stem}${name}` : name))];
      return all.map((name, i) => [name, Number(sizes!.split("; ")[i]!.replaceAll(",", ""))] as const);
    });
    expect(told).toHaveLength(15);
    for (const [name, size] of told)
      expect([name, countedParameters(presetArchitecture(name)).total]).toEqual([name, size]);
  });
});

describe("refused in one line", () => {
  test.each([
    [{ ...image, pool: "class" }, /pool is "class", but there is no class token/],
    [{ ...image, classToken: "zero" }, /the places are not pooled/],
    [{ ...image, decoder: "mlp" }, /nothing is pooled that it could decode/],
    [{ ...image, pool: "average", tie: true }, /no table of tokens that the head could share/],
    [{ ...image, pool: "average", embeddingWidth: 4 }, /no table of tokens that could be 4 wide/],
    [{ ...image, pool: "average", tokenTypes: 2 }, /no table of tokens to add/],
    [{ ...common, embeddingNorm: true, norm: "none" }, /embeddingNorm is true and norm is "none"/],
    [{ ...common, block: "none", norm: "none", stochasticDepth: 0.1 }, /nothing goes past them/],
    [{ ...common, stochasticDepth: 1 }, /stochasticDepth/],
    [{ ...image, pool: "avrage" }, /did you mean average/],
    [{ ...common, embeddingWidth: 0 }, /embeddingWidth/],
  ])("%#", (given, message) => {
    let thrown: unknown;
    try {
      defineArchitecture(given);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RequestError);
    expect((thrown as Error).message).toMatch(message);
    expect((thrown as Error).message).not.toContain("\n");
  });
});
