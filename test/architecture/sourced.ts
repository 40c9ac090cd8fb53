// What the tests of parameter sources share: a small architecture on fixed tokens, its logits and its gradients.
import {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
  type SourceItem,
} from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { crossEntropy, evaluate, gradients, input, type NdArray, reshape } from "../../src/tensor/index.ts";
import { generator } from "../tensor/harness.ts";

export const [BATCH, LENGTH, VOCABULARY, WIDTH, REPEAT] = [2, 6, 5, 8, 4];

export type Values = Record<string, NdArray>;

export const small: ArchitectureInput = {
  vocabulary: VOCABULARY,
  length: LENGTH,
  width: WIDTH,
  repeat: REPEAT,
  stripe: ["attention(heads: 2)", "swiglu(feedforward: 12)"],
  standardDeviation: 0.3,
};
export const attentionBlock = 4 * WIDTH ** 2;
export const feedforward = 3 * WIDTH * 12;
export const norms = 2 * 2 * WIDTH;
export const outside = 2 * VOCABULARY * WIDTH + LENGTH * WIDTH + 2 * WIDTH;

export const define = (sources: readonly SourceItem[], more: Partial<ArchitectureInput> = {}) =>
  defineArchitecture({ ...small, sources, ...more });

const random = generator(1);
const whole = () => Float64Array.from({ length: BATCH * LENGTH }, () => Math.floor(VOCABULARY * random()));
export const tokens = { shape: [BATCH, LENGTH], data: whole() };
export const targets = { shape: [BATCH * LENGTH], data: whole() };

export function graph(architecture: Architecture) {
  const source = inputSource();
  const logits = forward(architecture, source, input("tokens", [BATCH, LENGTH], "i32"));
  const rows = reshape(logits, [BATCH * LENGTH, VOCABULARY]);
  const { loss } = crossEntropy(rows, input("targets", [BATCH * LENGTH], "i32"));
  return { source, logits, loss };
}

/** Near where they begin, so that no factor is zero. */
export function startOf(architecture: Architecture): Values {
  const drawn = generator(7);
  return Object.fromEntries(
    [...graph(architecture).source.declared].map(([name, declaration]) => {
      const data = Float64Array.from(
        initialValues(name, declaration, 3),
        (value) => value + 0.1 * (drawn() - 0.5),
      );
      return [name, { shape: declaration.shape, data }];
    }),
  );
}

export function logitsOf(architecture: Architecture, values: Values): Float64Array {
  return evaluate([graph(architecture).logits], { ...values, tokens })[0]!.data as Float64Array;
}

export function gradientsOf(architecture: Architecture, values: Values): Values {
  const { source, loss } = graph(architecture);
  const found = evaluate(gradients(loss, [...source.tensors.values()]), { ...values, tokens, targets });
  return Object.fromEntries([...source.declared.keys()].map((name, i) => [name, found[i]!]));
}
