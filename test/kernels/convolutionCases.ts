// Long and short causal convolutions against the double loop.
import {
  longConvolutionRows,
  longConvolutionRowsPerGroup,
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
type Strides = readonly [batch: number, channel: number, time: number];

const timeLast = ([, channels, times]: Sizes): Strides => [channels * times, times, 1];
const channelLast = ([, channels, times]: Sizes): Strides => [channels * times, 1, channels];

function longCheck(real: Driver["real"], sizes: Sizes, layout: number, seed: number): Check {
  const [batch, channels, times] = sizes;
  const strides = layout % 2 === 0 ? channelLast(sizes) : timeLast(sizes);
  const shared = layout < 2;
  const whole = timeLast(sizes);
  // Layout 3 reads x from the end: a correlation.
  const reversed = layout === 3;
  const xStrides: Strides = reversed ? [strides[0], strides[1], -strides[2]] : strides;
  const kernelStrides: Strides = shared ? [0, whole[1], whole[2]] : whole;
  const x = real(noise(batch * channels * times, seed));
  const kernel = real(noise((shared ? 1 : batch) * channels * times, seed + 1));
  const first = reversed ? (times - 1) * strides[2] : 0;
  const values = new Float64Array(x.length);
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < channels; d++) {
      for (let t = 0; t < times; t++) {
        let sum = 0;
        let lost = 0; // the loop's own rounding would exceed the transform's
        for (let s = 0; s <= t; s++) {
          const k = kernel[n * kernelStrides[0] + d * kernelStrides[1] + s * kernelStrides[2]]!;
          const term = k * x[first + n * xStrides[0] + d * xStrides[1] + (t - s) * xStrides[2]]! - lost;
          const next = sum + term;
          lost = next - sum - term;
          sum = next;
        }
        values[n * strides[0] + d * strides[1] + t * strides[2]] = sum;
      }
    }
  }
  const shape = { batch, channels, times };
  return {
    name: `long convolution [${sizes}] layout ${layout}`,
    opcode: "OP_LONG_CONVOLUTION",
    rows: longConvolutionRows(shape),
    rowsPerGroup: seed % 2 === 0 ? longConvolutionRowsPerGroup(shape) : 1 + (seed % 4),
    scratchBytes: longConvolutionScratchBytes(shape),
    bindings: [x, kernel, real(values).fill(7)],
    write: (writer) =>
      longConvolutionWords(
        {
          ...shape,
          xStrides,
          kernelStrides,
          resultStrides: strides,
          x: operand(0, undefined, 0, first),
          kernel: operand(1),
          result: operand(2),
        },
        writer,
      ),
    // Errors of a transform go with the norms of its inputs, as the root of times, and slowly with its depth.
    expected: [{ binding: 2, values, epsilons: 6 + 3 * Math.sqrt(times) }],
  };
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
  ...longSizes.flatMap((sizes, seed) =>
    [0, 1, 2, 3].map((layout) => longCheck(real, sizes, layout, seed + layout)),
  ),
  ...shortSizes.flatMap((sizes, seed) =>
    [1, 3, 4, 7].flatMap((taps) => shortChecks(real, sizes, taps, seed)),
  ),
];
