// Hyena's filters and operator in plain loops, as its paper and the authors' published code define them.
import { linear, list, type Parameter, shortConvolution, total } from "./mixers.ts";

export interface PlainFilter {
  readonly layers: number;
  readonly features: number;
  readonly length: number;
  /** Learned positions. */
  readonly learned?: boolean;
}

/** The filters' values at a position, `count` numbers. */
export function plainFilter(p: Parameter, of: PlainFilter, position: number, count: number): number[] {
  const { layers, features, length } = of;
  const bands = (features - 1) / 2;
  const time = position / (length - 1);
  const waves = list(bands, (i) => 1e-4 + (bands === 1 ? 0 : (i * (bands - 1 - 1e-4)) / (bands - 1)));
  const angle = (band: number) => (2 * Math.PI * position * band) / length;
  let hidden = of.learned
    ? list(features, (feature) => p("filter.positions")(position, feature))
    : [time, ...waves.map((band) => Math.cos(angle(band))), ...waves.map((band) => -Math.sin(angle(band)))];
  const width = WIDTH;
  for (let layer = 0; layer <= layers; layer++) {
    hidden = linear(p, `filter.layer${layer}`, hidden, width, true).map((value, i) =>
      Math.sin(p("filter.frequency")(i) * value),
    );
  }
  const [slowest, fastest] = [Math.log(0.01) / 1.5, Math.log(0.01) / 0.3];
  return linear(p, "filter.output", hidden, count).map((value, c) => {
    const rate = count === 1 ? slowest : slowest + ((fastest - slowest) * c) / (count - 1);
    return value * Math.exp(rate * time);
  });
}

/** Width of the filter network in these tests. */
export const WIDTH = 3;

export interface PlainOperator extends PlainFilter {
  readonly order: number;
  readonly inner: number;
  readonly groups: number;
  readonly taps: number;
}

/** Projections of x [T][D], `features` of each token. */
export function plainProjections(
  p: Parameter,
  { groups, taps }: { groups: number; taps: number },
  x: number[][],
  features: number,
): number[][] {
  const entered = x.map((row) => {
    const made = linear(p, "input", row, features / groups, true);
    return list(features, (i) => made[i % made.length]!);
  });
  return shortConvolution(p, "convolution", entered, taps);
}

/** Order N: projections x⁰ … x^(N-1), v; v ← h * (x^n v) + D x^n v for n = N-1 … 1; x⁰ v. */
export function plainOperator(p: Parameter, of: PlainOperator, x: number[][]): number[][] {
  const { order, inner } = of;
  const projected = plainProjections(p, of, x, (order + 1) * inner);
  const part = (n: number) => projected.map((row) => row.slice(n * inner, (n + 1) * inner));
  const filters = x.map((_, t) => plainFilter(p, of, t, inner * (order - 1)));
  let value = part(order);
  for (let turn = 0; turn < order - 1; turn++) {
    const gate = part(order - 1 - turn);
    const gated = value.map((row, t) => row.map((v, c) => v * gate[t]![c]!));
    value = gated.map((row, t) =>
      row.map(
        (now, c) =>
          total(t + 1, (s) => filters[s]![c * (order - 1) + turn]! * gated[t - s]![c]!) +
          p("skip")(turn, c) * now,
      ),
    );
  }
  const last = part(0);
  return value.map((row, t) => row.map((v, c) => v * last[t]![c]!));
}
