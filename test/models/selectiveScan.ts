// The selective state space of Mamba (Gu and Dao 2023, algorithm 2): h_t = exp(Δ_t·A)·h_{t-1} + Δ_t·B_t·x_t,
// y_t = C_t·h_t + D·x_t. The state is discretised and contracted inside the loop, so that nothing of length × width × state
// is ever stored. The state stands before the width, so that rows are long. B batch, T length, D width, N state.
import {
  add,
  broadcastTo,
  exp,
  multiply,
  reshape,
  scan,
  sum,
  type Tensor,
  transpose,
} from "../../src/tensor/index.ts";
import type { Grids, Model } from "./harness.ts";
import { at, expOf, grid, plus, put, type Scalar, times, total } from "./scalar.ts";
import { type Tensors, uniform, type Values } from "./values.ts";

export interface SelectiveScanShape {
  readonly batch: number;
  readonly length: number;
  readonly width: number;
  readonly state: number;
}

/** x and Δ (`step`) [B, T, D], a [N, D], b and c [B, T, N], skip [D], state [B, N, D] → y [B, T, D], last [B, N, D]. */
export function selectiveScan({ x, step, a, b, c, skip, state }: Tensors): Tensors {
  const [batch, length, width] = x!.shape as [number, number, number];
  const states = a!.shape[0]!;
  const timeFirst = (of: Tensor) => transpose(of, [1, 0, 2]);
  const perWidth = (of: Tensor) => reshape(of, [batch, 1, width]);
  const perState = (of: Tensor) => reshape(of, [batch, states, 1]);
  // A constant for each sequence of the batch: its gradient is then summed over the batch once, not at every step.
  const rates = broadcastTo(reshape(a!, [1, states, width]), [batch, states, width]);
  const result = scan(
    { length, carries: [state!], sequences: [x!, step!, b!, c!].map(timeFirst), constants: [rates] },
    ([h], [xt, dt, bt, ct], [rate]) => {
      const decay = exp(multiply(perWidth(dt!), rate!));
      const fed = multiply(multiply(perWidth(dt!), perState(bt!)), perWidth(xt!));
      const next = add(multiply(decay, h!), fed);
      return { carries: [next], outputs: [sum(multiply(next, perState(ct!)), [1])] };
    },
  );
  const y = add(timeFirst(result.outputs[0]!), multiply(x!, skip!));
  return { y, last: result.carries[0]! };
}

function plainSelectiveScan(
  { batch, length, width, state: states }: SelectiveScanShape,
  inputs: Grids,
): Grids {
  const { x, step, a, b, c, skip, state } = inputs;
  const y = grid([batch, length, width]);
  const last = grid([batch, states, width]);
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < width; d++) {
      let h: Scalar[] = Array.from({ length: states }, (_, s) => at(state!, n, s, d));
      for (let t = 0; t < length; t++) {
        const [xt, dt] = [at(x!, n, t, d), at(step!, n, t, d)];
        h = h.map((before, s) =>
          plus(times(expOf(times(dt, at(a!, s, d))), before), times(times(dt, at(b!, n, t, s)), xt)),
        );
        const read = total(states, (s) => times(at(c!, n, t, s), h[s]!));
        put(y, plus(read, times(at(skip!, d), xt)), n, t, d);
      }
      h.forEach((value, s) => {
        put(last, value, n, s, d);
      });
    }
  }
  return { y, last };
}

export function selectiveScanValues(
  random: () => number,
  { batch, length, width, state }: SelectiveScanShape,
): Values {
  return {
    x: uniform(random, [batch, length, width]),
    step: uniform(random, [batch, length, width], 0.01, 1),
    a: uniform(random, [state, width], -2, -0.1),
    b: uniform(random, [batch, length, state]),
    c: uniform(random, [batch, length, state]),
    skip: uniform(random, [width]),
    state: uniform(random, [batch, state, width]),
  };
}

export function selectiveScanModel(random: () => number, shape: SelectiveScanShape): Model {
  return {
    values: selectiveScanValues(random, shape),
    graph: selectiveScan,
    plain: (inputs) => plainSelectiveScan(shape, inputs),
  };
}
