// Multi-head attention with all its positions and norms against the papers' equations in plain loops.
import { expect, test } from "vitest";
import { alibiSlopes } from "../../src/nn/alibi.ts";
import { attention } from "../../src/nn/attention.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, type Parameter, total } from "./mixers.ts";

interface Given {
  readonly heads: number;
  readonly kvHeads?: number;
  readonly window?: number;
  readonly positions?: "rope" | "alibi";
  readonly queryKeyNorm?: "rms" | "layer";
  readonly bias?: boolean;
}

const WIDTH = 8;

function normalized(p: Parameter, name: string, x: readonly number[], kind: Given["queryKeyNorm"]): number[] {
  if (kind === undefined) return [...x];
  const mean = kind === "layer" ? total(x.length, (i) => x[i]!) / x.length : 0;
  const deviation = Math.sqrt(total(x.length, (i) => (x[i]! - mean) ** 2) / x.length + 1e-5);
  return x.map(
    (value, i) =>
      ((value - mean) / deviation) * p(`${name}.norm.scale`)(i) +
      (kind === "layer" ? p(`${name}.norm.bias`)(i) : 0),
  );
}

/** Su et al. 2021, with feature i and i + d/2 as a pair. */
function turned(x: readonly number[], position: number): number[] {
  const half = x.length / 2;
  return x.map((value, i) => {
    const angle = position * 10_000 ** (-(i % half) / half);
    const other = i < half ? -x[i + half]! : x[i - half]!;
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

function attentionCase(given: Given): MixerCase {
  const { heads, kvHeads = heads, window = 100, positions, queryKeyNorm, bias = false } = given;
  const head = WIDTH / heads;
  return {
    primitive: attention,
    settings: { ...given },
    width: WIDTH,
    length: 7,
    plain(x, p) {
      const headsOf = (name: string, count: number) =>
        x.map((row) => {
          const flat = linear(p, name, row, count * head, bias);
          return list(count, (h) => flat.slice(h * head, (h + 1) * head));
        });
      const placed = (name: string, count: number) =>
        headsOf(name, count).map((row, t) =>
          row.map((one) => {
            const normal = normalized(p, name, one, queryKeyNorm);
            return positions === "rope" ? turned(normal, t) : normal;
          }),
        );
      const [q, k, v] = [placed("query", heads), placed("key", kvHeads), headsOf("value", kvHeads)];
      return x.map((_, t) => {
        const mixed = list(heads, (h) => {
          const group = Math.floor(h / (heads / kvHeads));
          const first = Math.max(0, t - window + 1);
          const weights = list(t + 1 - first, (i) => {
            const s = first + i;
            const product = total(head, (d) => q[t]![h]![d]! * k[s]![group]![d]!);
            const slope = positions === "alibi" ? 2 ** ((-8 * (h + 1)) / heads) : 0;
            return Math.exp(product / Math.sqrt(head) - slope * (t - s));
          });
          const all = total(weights.length, (i) => weights[i]!);
          return list(head, (d) =>
            total(weights.length, (i) => (weights[i]! / all) * v[first + i]![group]![d]!),
          );
        }).flat();
        return linear(p, "output", mixed, WIDTH, bias);
      });
    },
  };
}

test("equals the papers' equations, gradients by differences", () => {
  checkMixer(attentionCase({ heads: 2, positions: "alibi", queryKeyNorm: "rms" }));
  checkMixer(attentionCase({ heads: 4, kvHeads: 2, window: 3, positions: "alibi", bias: true }), {
    gradients: false,
  });
  checkMixer(attentionCase({ heads: 2, kvHeads: 1, positions: "rope", queryKeyNorm: "layer" }), {
    gradients: false,
  });
  checkMixer(attentionCase({ heads: 1 }), { gradients: false });
});

test("sees no later token", () => {
  checkCausal(attentionCase({ heads: 2, positions: "alibi" }));
});

test("slopes are those of the paper, and between them for other numbers of heads", () => {
  expect(alibiSlopes(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((i) => 2 ** -i));
  expect(alibiSlopes(1)).toEqual([2 ** -8]);
  expect(alibiSlopes(6)).toEqual([2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3]);
});

test("linear biases without causality are one clear line", () => {
  expect(() =>
    attention.configure(
      "stripe[0]",
      { positions: "alibi", causal: false },
      { width: 8, standardDeviation: 1 },
    ),
  ).toThrow(
    'stripe[0]: positions is "alibi" and causal is false; expected causal attention, or positions rope, learned or none',
  );
});
