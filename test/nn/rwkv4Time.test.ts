// RWKV-4's time mixing against its paper's equations as sums over the past, in plain loops.
import { expect, test } from "vitest";
import { rwkv4Time } from "../../src/nn/rwkv4Time.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, sigmoid, total } from "./mixers.ts";

const small: MixerCase = {
  primitive: rwkv4Time,
  width: 4,
  length: 7,
  plain(x, p) {
    const width = x[0]!.length;
    const projected = (name: string) =>
      x.map((row, t) => {
        const share = p(`${name}.share`);
        const mixed = row.map((now, d) => share(d) * now + (1 - share(d)) * (x[t - 1]?.[d] ?? 0));
        return linear(p, name, mixed, width);
      });
    const [r, k, v] = ["gate", "key", "value"].map(projected) as [number[][], number[][], number[][]];
    return x.map((_, t) => {
      const mixed = list(width, (d) => {
        const weight = (i: number) =>
          i === t
            ? Math.exp(p("bonus")(d) + k[t]![d]!)
            : Math.exp(-(t - 1 - i) * Math.exp(p("decay")(d)) + k[i]![d]!);
        const average = total(t + 1, (i) => weight(i) * v[i]![d]!) / total(t + 1, weight);
        return sigmoid(r[t]![d]!) * average;
      });
      return linear(p, "output", mixed, width);
    });
  },
};

test("equals its paper's equations, gradients by differences", () => {
  checkMixer(small);
});

test("stays exact where weights decay by e^-20 a step, and where keys are far from 0", () => {
  checkMixer({ ...small, length: 12, change: (name, value) => (name === "decay" ? Math.log(20) : value) });
  checkMixer(
    { ...small, change: (name, value) => (name === "key.weight" ? 60 * value : value) },
    { gradients: false },
  );
});

test("sees no later token", () => {
  checkCausal(small);
});

test("carries three numbers a feature and the last token", () => {
  const module = rwkv4Time.configure("rwkv4-time", {}, { width: 16, standardDeviation: 1 });
  expect(module.kept(1000)).toBe(4 * 16);
});
