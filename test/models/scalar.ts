// Numbers that remember how they were computed, so that a model written as plain loops has exact gradients. Independent of
// the engine: this is what the engine's models are held to.

/** A number, what it was computed from, and its derivative for each of those. */
export interface Scalar {
  readonly value: number;
  readonly from: readonly Scalar[];
  readonly slopes: readonly number[];
  /** Derivative of what `backward` was given. */
  gradient: number;
}

function node(value: number, from: readonly Scalar[], slopes: readonly number[]): Scalar {
  return { value, from, slopes, gradient: 0 };
}

export const scalar = (value: number): Scalar => node(value, [], []);
export const zero: Scalar = scalar(0);

export const plus = (a: Scalar, b: Scalar): Scalar => node(a.value + b.value, [a, b], [1, 1]);
export const minus = (a: Scalar, b: Scalar): Scalar => node(a.value - b.value, [a, b], [1, -1]);
export const times = (a: Scalar, b: Scalar): Scalar => node(a.value * b.value, [a, b], [b.value, a.value]);
export const over = (a: Scalar, b: Scalar): Scalar =>
  node(a.value / b.value, [a, b], [1 / b.value, -a.value / b.value ** 2]);
export const scaled = (a: Scalar, factor: number): Scalar => node(a.value * factor, [a], [factor]);
export const expOf = (a: Scalar): Scalar => node(Math.exp(a.value), [a], [Math.exp(a.value)]);
export const sqrtOf = (a: Scalar): Scalar => node(Math.sqrt(a.value), [a], [0.5 / Math.sqrt(a.value)]);
export const sineOf = (a: Scalar): Scalar => node(Math.sin(a.value), [a], [Math.cos(a.value)]);
export const tanhOf = (a: Scalar): Scalar => node(Math.tanh(a.value), [a], [1 - Math.tanh(a.value) ** 2]);
export function sigmoidOf(a: Scalar): Scalar {
  const y = 1 / (1 + Math.exp(-a.value));
  return node(y, [a], [y * (1 - y)]);
}
export const siluOf = (a: Scalar): Scalar => times(a, sigmoidOf(a));

/** Σ f(i) for i < count. */
export function total(count: number, f: (i: number) => Scalar): Scalar {
  const terms = Array.from({ length: count }, (_, i) => f(i));
  return node(
    terms.reduce((sum, term) => sum + term.value, 0),
    terms,
    terms.map(() => 1),
  );
}

/** exp(x) over the sum of all exp(x). */
export function softmaxOf(row: readonly Scalar[]): Scalar[] {
  const top = Math.max(...row.map(({ value }) => value));
  const powers = row.map((x) => expOf(minus(x, scalar(top))));
  const sum = total(powers.length, (i) => powers[i]!);
  return powers.map((power) => over(power, sum));
}

/** Sets `gradient` of everything that `of` was computed from, by the chain rule. */
export function backward(of: Scalar): void {
  const order: Scalar[] = [];
  const state = new Map<Scalar, "open" | "done">();
  const stack = [of];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const seen = state.get(top);
    if (seen !== undefined) {
      stack.pop();
      if (seen === "open") order.push(top);
      state.set(top, "done");
      continue;
    }
    state.set(top, "open");
    for (const part of top.from) if (!state.has(part)) stack.push(part);
  }
  for (const each of order) each.gradient = 0;
  of.gradient = 1;
  for (const each of order.reverse()) {
    each.from.forEach((part, i) => {
      part.gradient += each.gradient * each.slopes[i]!;
    });
  }
}

/** Row-major numbers with a shape, read and written by index. */
export interface Grid {
  readonly shape: readonly number[];
  readonly data: Scalar[];
}

export function grid(shape: readonly number[]): Grid {
  return { shape, data: new Array<Scalar>(shape.reduce((a, b) => a * b, 1)).fill(zero) };
}

function placeOf({ shape }: Grid, index: readonly number[]): number {
  return index.reduce((place, i, axis) => place * shape[axis]! + i, 0);
}

export const at = (of: Grid, ...index: number[]): Scalar => of.data[placeOf(of, index)]!;

export function put(into: Grid, value: Scalar, ...index: number[]): void {
  into.data[placeOf(into, index)] = value;
}
