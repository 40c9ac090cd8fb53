// Long and short causal convolutions against the double loop.
import {
  longConvolutionGradientRows,
  longConvolutionGradientScratchBytes,
  longConvolutionGradientWords,
  longConvolutionRows,
  longConvolutionScratchBytes,
  longConvolutionWords,
} from "../../src/backend/tape/long_convolution.ts";
import {
  shortConvolutionGradientRows,
  shortConvolutionGradientWords,
  shortConvolutionRows,
  shortConvolutionWords,
} from "../../src/backend/tape/short_convolution.ts";
import { type Check, type MakeChecks, noise } from "./cases.ts";
import { type Driver, operand } from "./isolated.ts";

type Sizes = readonly [batch: number, channels: number, times: number];
/** sum with one rounding: the loop's own would exceed the transform's. */
function carefulSum(count: number, term: (i: number) => number): number {
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < count; i++) {
    const next = sum + (term(i) - lost);
    lost = next - sum - (term(i) - lost);
    sum = next;
  }
  return sum;
}

function longChecks(real: Driver["real"], sizes: Sizes, seed: number): Check[] {
  const [batch, channels, times] = sizes;
  const size = batch * channels * times;
  const x = real(noise(size, seed));
  const kernel = real(noise(times * channels, seed + 1));
  const g = real(noise(size, seed + 2));
  const at = (n: number, t: number, d: number) => (n * times + t) * channels + d;
  const [y, dx, dkernel] = [
    new Float64Array(size),
    new Float64Array(size),
    new Float64Array(times * channels),
  ];
  for (let d = 0; d < channels; d++) {
    for (let t = 0; t < times; t++) {
      for (let n = 0; n < batch; n++) {
        y[at(n, t, d)] = carefulSum(t + 1, (s) => kernel[at(0, s, d)]! * x[at(n, t - s, d)]!);
        dx[at(n, t, d)] = carefulSum(times - t, (s) => kernel[at(0, s, d)]! * g[at(n, t + s, d)]!);
      }
      dkernel[at(0, t, d)] = carefulSum(batch * (times - t), (i) => {
        const [n, s] = [i % batch, Math.floor(i / batch)];
        return g[at(n, t + s, d)]! * x[at(n, s, d)]!;
      });
    }
  }
  const shape = { batch, channels, times };
  const strides = [times * channels, channels] as const;
  const common = { ...shape, xStrides: strides, kernelRow: channels, x: operand(0), kernel: operand(1) };
  // Errors of a transform go with the norms of its inputs, as the root of times, and slowly with its depth.
  const epsilons = 6 + 3 * Math.sqrt(times);
  return [
    {
      name: `long convolution [${sizes}]`,
      opcode: "OP_LONG_CONVOLUTION",
      rows: longConvolutionRows(shape),
      rowsPerGroup: 1 + (seed % 4),
      scratchBytes: longConvolutionScratchBytes(shape),
      bindings: [x, kernel, real(y).fill(7)],
      write: (writer) =>
        longConvolutionWords({ ...common, resultStrides: strides, result: operand(2) }, writer),
      expected: [{ binding: 2, values: y, epsilons }],
    },
    {
      name: `long convolution [${sizes}] gradient`,
      opcode: "OP_LONG_CONVOLUTION_GRADIENT",
      rows: longConvolutionGradientRows(shape),
      rowsPerGroup: 1 + (seed % 2),
      scratchBytes: longConvolutionGradientScratchBytes(shape),
      bindings: [x, kernel, g, real(dx).fill(7), real(dkernel).fill(7)],
      write: (writer) =>
        longConvolutionGradientWords(
          {
            ...common,
            gStrides: strides,
            dxStrides: strides,
            dkernelRow: channels,
            g: operand(2),
            dx: operand(3),
            dkernel: operand(4),
          },
          writer,
        ),
      expected: [
        { binding: 3, values: dx, epsilons },
        { binding: 4, values: dkernel, epsilons: epsilons * batch },
      ],
    },
  ];
}

function shortChecks(real: Driver["real"], sizes: Sizes, taps: number, seed: number): Check[] {
  const [batch, channels, times] = sizes;
  const size = batch * channels * times;
  const x = real(noise(size, seed));
  const kernel = real(noise(taps * channels, seed + 1));
  const g = real(noise(size, seed + 2));
  const [y, dx, dkernel] = [
    new Float64Array(size),
    new Float64Array(size),
    new Float64Array(taps * channels),
  ];
  for (let n = 0; n < batch; n++) {
    for (let t = 0; t < times; t++) {
      for (let j = 0; j <= Math.min(t, taps - 1); j++) {
        for (let d = 0; d < channels; d++) {
          const [to, from, tap] = [
            (n * times + t) * channels + d,
            (n * times + t - j) * channels + d,
            j * channels + d,
          ];
          y[to]! += kernel[tap]! * x[from]!;
          dx[from]! += kernel[tap]! * g[to]!;
          dkernel[tap]! += g[to]! * x[from]!;
        }
      }
    }
  }
  const shape = { batch, times, channels, taps };
  const strides = [times * channels, channels] as const;
  const common = { ...shape, xStrides: strides, kernelRow: channels, x: operand(0), kernel: operand(1) };
  const name = `short convolution [${sizes}] taps ${taps}`;
  return [
    {
      name,
      opcode: "OP_SHORT_CONVOLUTION",
      rows: shortConvolutionRows(shape),
      rowsPerGroup: 1,
      scratchBytes: 0,
      bindings: [x, kernel, real(y).fill(7)],
      write: (writer) =>
        shortConvolutionWords({ ...common, resultStrides: strides, result: operand(2) }, writer),
      expected: [{ binding: 2, values: y, epsilons: 2 * taps }],
    },
    {
      name: `${name} gradient`,
      opcode: "OP_SHORT_CONVOLUTION_GRADIENT",
      rows: shortConvolutionGradientRows(shape),
      rowsPerGroup: 1 + (seed % 2),
      scratchBytes: 0,
      bindings: [x, kernel, g, real(dx).fill(7), real(dkernel).fill(7)],
      write: (writer) =>
        shortConvolutionGradientWords(
          {
            ...common,
            gStrides: strides,
            dxStrides: strides,
            g: operand(2),
            dx: operand(3),
            dkernel: operand(4),
          },
          writer,
        ),
      expected: [
        { binding: 3, values: dx, epsilons: 2 * taps },
        { binding: 4, values: dkernel, epsilons: 2 * batch * times },
      ],
    },
  ];
}

const longSizes: readonly Sizes[] = [
  [1, 1, 1],
  [2, 3, 2],
  [1, 16, 4],
  [2, 5, 5],
  [3, 17, 9],
  [1, 20, 16],
  [2, 8, 33],
  [1, 4, 60],
  [1, 3, 81],
  [2, 2, 100],
  [1, 1, 120],
  [1, 2, 128],
  [1, 1, 625],
  [1, 1, 1000],
];

const shortSizes: readonly Sizes[] = [
  [1, 1, 1],
  [2, 3, 5],
  [1, 16, 2],
  [3, 33, 70],
  [2, 100, 129],
];

export const convolutionChecks: MakeChecks = (real) => [
  ...longSizes.flatMap((sizes, seed) => longChecks(real, sizes, seed)),
  ...shortSizes.flatMap((sizes, seed) =>
    [1, 3, 4, 7].flatMap((taps) => shortChecks(real, sizes, taps, seed)),
  ),
];
