// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000): a scan over time.
// B batch, T length, D width in, H width of the state; gates in the order input, forget, cell, output.
import {
  add,
  linear,
  matmul,
  multiply,
  scan,
  sigmoid,
  split,
  type Tensor,
  tanh,
  transpose,
} from "../../src/tensor/index.ts";
import type { Grids, Model } from "./harness.ts";
import { at, grid, plus, put, sigmoidOf, tanhOf, times, total } from "./scalar.ts";
import { type Tensors, uniform, type Values } from "./values.ts";

export interface LstmShape {
  readonly batch: number;
  readonly length: number;
  readonly width: number;
  readonly state: number;
}

/** x [B, T, D], input weights [D, 4H], state weights [H, 4H], bias [4H], h and c [B, H] → y [B, T, H], last h and c. */
export function lstm({ x, inputWeights, stateWeights, bias, h, c }: Tensors): Tensors {
  const width = h!.shape[1]!;
  const projected = add(linear(transpose(x!, [1, 0, 2]), inputWeights!), bias!); // [T, B, 4H]
  const result = scan(
    { length: x!.shape[1]!, carries: [h!, c!], sequences: [projected] },
    ([hidden, cell], [element]) => {
      const gates = add(element!, matmul(hidden!, stateWeights!));
      const [i, f, g, o] = split(gates, [width, width, width, width], 1) as [Tensor, Tensor, Tensor, Tensor];
      const next = add(multiply(sigmoid(f), cell!), multiply(sigmoid(i), tanh(g)));
      const out = multiply(sigmoid(o), tanh(next));
      return { carries: [out, next], outputs: [out] };
    },
  );
  return {
    y: transpose(result.outputs[0]!, [1, 0, 2]),
    lastH: result.carries[0]!,
    lastC: result.carries[1]!,
  };
}

function plainLstm({ batch, length, width, state }: LstmShape, inputs: Grids): Grids {
  const { x, inputWeights, stateWeights, bias, h, c } = inputs;
  const y = grid([batch, length, state]);
  const [lastH, lastC] = [grid([batch, state]), grid([batch, state])];
  for (let b = 0; b < batch; b++) {
    let hidden = Array.from({ length: state }, (_, j) => at(h!, b, j));
    let cell = Array.from({ length: state }, (_, j) => at(c!, b, j));
    for (let t = 0; t < length; t++) {
      const gate = (column: number) => {
        const fromInput = total(width, (k) => times(at(x!, b, t, k), at(inputWeights!, k, column)));
        const fromState = total(state, (k) => times(hidden[k]!, at(stateWeights!, k, column)));
        return plus(plus(fromInput, fromState), at(bias!, column));
      };
      const nextCell = cell.map((before, j) =>
        plus(
          times(sigmoidOf(gate(state + j)), before),
          times(sigmoidOf(gate(j)), tanhOf(gate(2 * state + j))),
        ),
      );
      hidden = nextCell.map((now, j) => times(sigmoidOf(gate(3 * state + j)), tanhOf(now)));
      cell = nextCell;
      hidden.forEach((value, j) => {
        put(y, value, b, t, j);
      });
    }
    hidden.forEach((value, j) => {
      put(lastH, value, b, j);
    });
    cell.forEach((value, j) => {
      put(lastC, value, b, j);
    });
  }
  return { y, lastH, lastC };
}

export function lstmValues(random: () => number, { batch, length, width, state }: LstmShape): Values {
  return {
    x: uniform(random, [batch, length, width]),
    inputWeights: uniform(random, [width, 4 * state]),
    stateWeights: uniform(random, [state, 4 * state]),
    bias: uniform(random, [4 * state]),
    h: uniform(random, [batch, state]),
    c: uniform(random, [batch, state]),
  };
}

export function lstmModel(random: () => number, shape: LstmShape): Model {
  return { values: lstmValues(random, shape), graph: lstm, plain: (inputs) => plainLstm(shape, inputs) };
}
