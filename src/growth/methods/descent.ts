// A few steps of Adam (Kingma and Ba 2015) on some of the inputs of a loss. Knows no network.
import type { Store } from "../../backend/machine.ts";
import { gradients } from "../../tensor/gradient.ts";
import { add, divide, multiply, sqrt, square, subtract } from "../../tensor/ops/elementwise.ts";
import { input } from "../../tensor/ops/leaf.ts";
import { program, programInputs } from "../../tensor/program.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { GrowthData } from "./method.ts";

const [FIRST, SECOND, EPSILON] = [0.9, 0.999, 1e-8];
const RATE = "descent/rate";
/** 1 - β₂ᵗ. */
const CORRECTION = "descent/correction";

/**
 * Changes the values of `parameters`, inputs of the loss, in the store: one step on each of the first batches, the rate falling
 * to 0. The store holds all other inputs but the batch.
 */
export async function descend(
  data: GrowthData,
  store: Store,
  loss: Tensor,
  parameters: ReadonlyMap<string, Tensor>,
  { steps, rate }: { readonly steps: number; readonly rate: number },
): Promise<void> {
  const names = [...parameters.keys()];
  const slopes = gradients(loss, [...parameters.values()]);
  const updates = names.flatMap((name, i): [string, Tensor][] => {
    const [slope, value] = [slopes[i]!, parameters.get(name)!];
    const mean = input(`descent/mean/${name}`, value.shape);
    const squares = input(`descent/squares/${name}`, value.shape);
    const nextMean = add(multiply(mean, FIRST), multiply(slope, 1 - FIRST));
    const nextSquares = add(multiply(squares, SECOND), multiply(square(slope), 1 - SECOND));
    const deviation = add(sqrt(divide(nextSquares, input(CORRECTION, []))), EPSILON);
    return [
      [name, subtract(value, multiply(input(RATE, []), divide(nextMean, deviation)))],
      [`descent/mean/${name}`, nextMean],
      [`descent/squares/${name}`, nextSquares],
    ];
  });
  const step = program({}, Object.fromEntries(updates));
  for (const [name, type] of programInputs(step)) store.allocate(name, type);
  const executable = data.machine.load(step);
  try {
    for (let n = 0; n < steps; n++) {
      store.write(RATE, [(rate * (1 - n / steps)) / (1 - FIRST ** (n + 1))]);
      store.write(CORRECTION, [1 - SECOND ** (n + 1)]);
      data.write(store, n);
      await executable.run(store);
    }
  } finally {
    executable.dispose();
  }
}
