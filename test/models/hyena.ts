// A gated long convolution (Poli et al. 2023, "Hyena Hierarchy", order 2): three projections, each through a short causal
// convolution; filters as long as the sequence, made by a small sine network of the position (their appendix D).
// B batch, T length, D width, E features of a position, F width of the filter network.
import {
  add,
  concatenate,
  cosine,
  exp,
  iota,
  linear,
  longConvolution,
  multiply,
  shortConvolution,
  sine,
  split,
  type Tensor,
} from "../../src/tensor/index.ts";
import type { Grids, Model } from "./harness.ts";
import { at, expOf, type Grid, grid, plus, put, scaled, sineOf, times, total } from "./scalar.ts";
import { type Tensors, uniform } from "./values.ts";

export interface HyenaShape {
  readonly batch: number;
  readonly length: number;
  readonly width: number;
  readonly taps: number;
  readonly filterWidth: number;
}

const WAVES = 2;
const FEATURES = 1 + 2 * WAVES;

/** Position t/T and WAVES cosines and sines of it, [T, E]. */
function positionFeatures(length: number): Tensor {
  const angle = multiply(iota([length, WAVES], 0, "f32"), (2 * Math.PI) / length);
  const waves = multiply(angle, add(iota([length, WAVES], 1, "f32"), 1));
  return concatenate([multiply(iota([length, 1], 0, "f32"), 1 / length), cosine(waves), sine(waves)], 1);
}

/** Filters [T, D] under an exponential window exp(-rate·t/T) of each channel. */
function filters(length: number, { first, firstBias, second, rate }: Tensors): Tensor {
  const hidden = sine(add(linear(positionFeatures(length), first!), firstBias!));
  const values = linear(hidden, second!);
  const window = exp(multiply(multiply(iota([length, 1], 0, "f32"), -1 / length), exp(rate!)));
  return multiply(values, window);
}

/** x [B, T, D] → y [B, T, D]. */
export function hyena(inputs: Tensors): Tensors {
  const { x, project, taps, skip, out } = inputs;
  const [, length, width] = x!.shape as [number, number, number];
  const projected = shortConvolution(linear(x!, project!), taps!);
  const [gate, key, value] = split(projected, [width, width, width], 2) as [Tensor, Tensor, Tensor];
  const gated = multiply(key, value);
  const mixed = add(longConvolution(gated, filters(length, inputs)), multiply(gated, skip!));
  return { y: linear(multiply(gate, mixed), out!) };
}

function plainHyena({ batch, length, width, taps: tapCount, filterWidth }: HyenaShape, inputs: Grids): Grids {
  const { x, project, taps, skip, out, first, firstBias, second, rate } = inputs as Record<
    "x" | "project" | "taps" | "skip" | "out" | "first" | "firstBias" | "second" | "rate",
    Grid
  >;
  const filter = grid([length, width]);
  for (let t = 0; t < length; t++) {
    const features = [t / length];
    for (let w = 1; w <= WAVES; w++) features.push(Math.cos((2 * Math.PI * t * w) / length));
    for (let w = 1; w <= WAVES; w++) features.push(Math.sin((2 * Math.PI * t * w) / length));
    const hidden = Array.from({ length: filterWidth }, (_, f) =>
      sineOf(
        plus(
          total(FEATURES, (e) => scaled(at(first, e, f), features[e]!)),
          at(firstBias, f),
        ),
      ),
    );
    for (let d = 0; d < width; d++) {
      const window = expOf(scaled(expOf(at(rate, d)), -t / length));
      put(
        filter,
        times(
          total(filterWidth, (f) => times(hidden[f]!, at(second, f, d))),
          window,
        ),
        t,
        d,
      );
    }
  }
  const y = grid([batch, length, width]);
  for (let b = 0; b < batch; b++) {
    const projected = grid([length, 3 * width]);
    const short = grid([length, 3 * width]);
    for (let t = 0; t < length; t++) {
      for (let c = 0; c < 3 * width; c++) {
        put(
          projected,
          total(width, (d) => times(at(x, b, t, d), at(project, d, c))),
          t,
          c,
        );
        const reach = Math.min(tapCount, t + 1);
        put(
          short,
          total(reach, (s) => times(at(taps, s, c), at(projected, t - s, c))),
          t,
          c,
        );
      }
    }
    const gated = (t: number, d: number) => times(at(short, t, width + d), at(short, t, 2 * width + d));
    for (let t = 0; t < length; t++) {
      const rows = Array.from({ length: width }, (_, d) => {
        const far = total(t + 1, (s) => times(at(filter, s, d), gated(t - s, d)));
        return times(at(short, t, d), plus(far, times(at(skip, d), gated(t, d))));
      });
      for (let j = 0; j < width; j++) {
        put(
          y,
          total(width, (d) => times(rows[d]!, at(out, d, j))),
          b,
          t,
          j,
        );
      }
    }
  }
  return { y };
}

export function hyenaModel(random: () => number, shape: HyenaShape): Model {
  const { batch, length, width, taps, filterWidth } = shape;
  return {
    values: {
      x: uniform(random, [batch, length, width]),
      project: uniform(random, [width, 3 * width]),
      taps: uniform(random, [taps, 3 * width]),
      skip: uniform(random, [width]),
      out: uniform(random, [width, width]),
      first: uniform(random, [FEATURES, filterWidth], -2, 2),
      firstBias: uniform(random, [filterWidth]),
      second: uniform(random, [filterWidth, width]),
      rate: uniform(random, [width], -1, 2),
    },
    graph: hyena,
    plain: (inputs) => plainHyena(shape, inputs),
  };
}
