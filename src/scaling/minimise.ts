// Minimises a smooth function of a few numbers by L-BFGS with a line search for the strong Wolfe conditions: Nocedal and
// Wright, "Numerical optimization", algorithms 7.4, 7.5, 3.5 and 3.6. Knows no law and no data.

/** Gives f(x) and writes its gradient. A value that is not finite is a step too far. */
export type Objective = (x: Float64Array, gradient: Float64Array) => number;

/** When to stop. */
export interface Stop {
  /** Largest component of the gradient. */
  readonly gradient: number;
  /** Decrease of a step in relation to max(|f|, `floor`). */
  readonly decrease: number;
  readonly floor: number;
  readonly iterations: number;
}

/** Where the search ended. */
export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Whether a tolerance ended it, not the bound on iterations. */
  readonly converged: boolean;
  /** The last steps with the changes of the gradient, from which a search nearby knows the curvature. */
  readonly memory: readonly StepMemory[];
}

const MEMORY = 10;
const SUFFICIENT = 1e-3;
const CURVATURE = 0.9;

/** To the last digits that double precision gives, in relation to the objective alone. */
export const tight: Stop = { gradient: 1e-14, decrease: 1e-13, floor: 0, iterations: 2000 };

/** A local minimum of `objective`, searched from `start`. @param memory of a search of a similar objective nearby */
export function minimise(
  objective: Objective,
  start: ArrayLike<number>,
  stop: Stop = tight,
  memory: readonly StepMemory[] = [],
): Minimum {
  const size = start.length;
  let x = Float64Array.from(start);
  let gradient = new Float64Array(size);
  let value = objective(x, gradient);
  const pairs = [...memory];
  let quiet = 0;
  for (let iteration = 0; ; iteration++) {
    if (!(largest(gradient) > stop.gradient))
      return { x, value, iterations: iteration, converged: true, memory: pairs };
    if (iteration === stop.iterations)
      return { x, value, iterations: iteration, converged: false, memory: pairs };
    let direction = towards(gradient, pairs);
    if (!(dot(direction, gradient) < 0)) {
      pairs.length = 0;
      direction = towards(gradient, pairs);
    }
    const first = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    const found = search(objective, { x, value, gradient }, direction, first);
    if (found === null) {
      // The quadratic model misleads; the steepest descent is tried once before giving up.
      if (pairs.length === 0) return { x, value, iterations: iteration, converged: true, memory: pairs };
      pairs.length = 0;
      continue;
    }
    const step = difference(found.x, x);
    const change = difference(found.gradient, gradient);
    const curvature = dot(step, change);
    if (curvature > 2.2e-16 * dot(change, change)) {
      pairs.push({ step, change, curvature });
      if (pairs.length > MEMORY) pairs.shift();
    }
    const decrease = value - found.value;
    const scale = Math.max(Math.abs(value), Math.abs(found.value), stop.floor);
    ({ x, value, gradient } = found);
    // One short step may be an accident of the line search.
    quiet = decrease <= stop.decrease * scale ? quiet + 1 : 0;
    if (quiet > (stop.floor === 0 ? 1 : 0))
      return { x, value, iterations: iteration + 1, converged: true, memory: pairs };
  }
}

/** A step of a search. */
export interface StepMemory {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly curvature: number;
}

interface Place {
  readonly x: Float64Array<ArrayBuffer>;
  readonly value: number;
  readonly gradient: Float64Array<ArrayBuffer>;
}

/** The quasi-Newton direction: algorithm 7.4. */
function towards(gradient: Float64Array, pairs: readonly StepMemory[]): Float64Array {
  const direction = new Float64Array(gradient.length);
  add(direction, gradient, -1);
  const weights: number[] = [];
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { step, change, curvature } = pairs[i]!;
    const weight = dot(step, direction) / curvature;
    weights[i] = weight;
    add(direction, change, -weight);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = last.curvature / dot(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  pairs.forEach(({ step, change, curvature }, i) => {
    add(direction, step, weights[i]! - dot(change, direction) / curvature);
  });
  return direction;
}

interface Trial extends Place {
  readonly length: number;
  readonly slope: number;
}

/** Algorithm 3.5: a step that meets the strong Wolfe conditions, or the best one found; null where none goes down. */
function search(objective: Objective, from: Place, direction: Float64Array, first: number): Place | null {
  const slope = dot(from.gradient, direction);
  const at = (length: number): Trial => {
    const x = from.x.slice();
    add(x, direction, length);
    const gradient = new Float64Array(x.length);
    const value = objective(x, gradient);
    return {
      x,
      gradient,
      value: Number.isFinite(value) ? value : Infinity,
      length,
      slope: dot(gradient, direction),
    };
  };
  const tooHigh = (trial: Trial) => !(trial.value <= from.value + SUFFICIENT * trial.length * slope);
  let before: Trial = { ...from, length: 0, slope };
  let length = first;
  for (let i = 0; i < 20; i++) {
    const trial = at(length);
    if (tooHigh(trial) || (i > 0 && trial.value >= before.value)) return zoom(before, trial);
    if (Math.abs(trial.slope) <= -CURVATURE * slope) return trial;
    if (trial.slope >= 0) return zoom(trial, before);
    before = trial;
    length *= 4;
  }
  return before.length > 0 ? before : null;

  function zoom(lower: Trial, upper: Trial): Place | null {
    let [low, high] = [lower, upper];
    for (let i = 0; i < 30; i++) {
      const trial = at(between(low, high));
      if (tooHigh(trial) || trial.value >= low.value) high = trial;
      else {
        if (Math.abs(trial.slope) <= -CURVATURE * slope) return trial;
        if (trial.slope * (high.length - low.length) >= 0) high = low;
        low = trial;
      }
      if (Math.abs(high.length - low.length) <= 1e-15 * Math.abs(high.length)) break;
    }
    return low.length > 0 && low.value < from.value ? low : null;
  }
}

/** The minimum of the cubic through two trials, kept away from both (equation 3.59). */
function between(a: Trial, b: Trial): number {
  const width = b.length - a.length;
  const inside = (length: number) => {
    const share = (length - a.length) / width;
    return a.length + width * Math.min(0.9, Math.max(0.1, share));
  };
  if (!Number.isFinite(b.value)) return a.length + 0.1 * width;
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.length - b.length);
  const root = d1 * d1 - a.slope * b.slope;
  if (!(root >= 0)) return a.length + width / 2;
  const d2 = Math.sign(width) * Math.sqrt(root);
  const length = b.length - width * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
  return Number.isFinite(length) ? inside(length) : a.length + width / 2;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(to: Float64Array, from: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += times * from[i]!;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  const result = a.slice();
  add(result, b, -1);
  return result;
}

function largest(x: Float64Array): number {
  let most = 0;
  for (const value of x) most = Math.max(most, Math.abs(value));
  return most;
}
