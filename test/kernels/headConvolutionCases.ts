// Convolutions of heads' outer products and their gradients against loops over pairs of tokens.
import { headConvolution, input } from "../../src/tensor/index.ts";
import { type Check, type MakeChecks, noise } from "./cases.ts";
import type { Driver, Values } from "./isolated.ts";
import { gradientNode, nodeCheck } from "./nodeCase.ts";

type Shape = readonly [batch: number, length: number, heads: number, headWidth: number];

/** y, and for its gradient g those of queries, keys, values and the kernel. */
function loop([batch, length, heads, w]: Shape, [q, k, v, kernel, g]: readonly Values[]) {
  const numbers = (like: Values) => new Float64Array(like.length);
  const found = {
    y: numbers(q!),
    dq: numbers(q!),
    dk: numbers(k!),
    dv: numbers(v!),
    dKernel: numbers(kernel!),
  };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const at = (t: number, i: number) => ((b * length + t) * heads + h) * w + i;
      for (let t = 0; t < length; t++) {
        for (let s = 0; s <= t; s++) {
          const tap = s * heads + h;
          const weight = kernel![tap]!;
          for (let i = 0; i < w; i++) {
            for (let j = 0; j < w; j++) {
              const [asked, key, value] = [q![at(t, i)]!, k![at(t - s, j)]!, v![at(t - s, i)]!];
              const arrived = g![at(t, j)]!;
              found.y[at(t, j)]! += asked * weight * value * key;
              found.dq[at(t, i)]! += arrived * weight * value * key;
              found.dk[at(t - s, j)]! += arrived * asked * weight * value;
              found.dv[at(t - s, i)]! += arrived * asked * weight * key;
              found.dKernel[tap]! += arrived * asked * value * key;
            }
          }
        }
      }
    }
  }
  return found;
}

function checks(real: Driver["real"], shape: Shape, seed: number): Check[] {
  const [batch, length, heads, w] = shape;
  const size = batch * length * heads * w;
  const values = [size, size, size, length * heads, size].map((count, i) => real(noise(count, seed + i)));
  const { y, dq, dk, dv, dKernel } = loop(shape, values);
  const tokens = (name: string) => input(name, [batch, length, heads * w]);
  const { node } = headConvolution(tokens("q"), tokens("k"), tokens("v"), input("kernel", [length, heads]));
  // Errors of a transform go with the norms of its inputs; sums are over a row of pairs, that of the kernel over all.
  const epsilons = w * (6 + 3 * Math.sqrt(length));
  const name = `head convolution [${shape}]`;
  const backward = nodeCheck(
    `gradient of ${name}`,
    "OP_HEAD_CONVOLUTION_GRADIENT",
    gradientNode(node, tokens("g")),
    values,
    [dq, dk, dv, dKernel],
    { real, epsilons: epsilons * batch * w, rowsPerGroup: 1 + (seed % 2) },
  );
  const options = { real, epsilons, rowsPerGroup: 1 + (seed % 3) };
  return [nodeCheck(name, "OP_HEAD_CONVOLUTION", node, values.slice(0, 4), [y], options), backward];
}

const shapes: readonly Shape[] = [
  [1, 1, 1, 1],
  [2, 5, 3, 2],
  [3, 9, 1, 8],
  [1, 33, 2, 5],
  [17, 16, 2, 3],
  [1, 60, 5, 1],
  [2, 100, 1, 4],
  [1, 128, 2, 8],
];

export const headConvolutionChecks: MakeChecks = (real) =>
  shapes.flatMap((shape, seed) => checks(real, shape, seed));
