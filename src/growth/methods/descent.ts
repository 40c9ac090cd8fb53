// A few steps of Adam (Kingma and Ba 2015) on some of the inputs of a loss. Knows no network.
import { setImmediate as eventLoop } from "node:timers/promises";
import { graphFlops } from "../../architecture/count.ts";
import type { Store } from "../../backend/machine.ts";
import { gradients } from "../../tensor/gradient.ts";
import { add, divide, multiply, sqrt, square, subtract } from "../../tensor/ops/elementwise.ts";
import { input } from "../../tensor/ops/leaf.ts";
import { program } from "../../tensor/program.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { GrowthData } from "./method.ts";

const [FIRST, SECOND, EPSILON] = [0.9, 0.999, 1e-8];
const RATE = "descent/rate";
/** 1 - β₂ᵗ. */
const CORRECTION = "descent/correction";

/** A descent that is planned. */
export interface Descent {
  /** Of one step, without Adam's own. */
  readonly flops: number;
  /**
   * Changes the values of the parameters in the store: one step on each of the first batches, the rate falling to 0. Aborted:
   * what it was aborted with is thrown.
   */
  run(options: {
    readonly steps: number;
    readonly rate: number;
    readonly signal?: AbortSignal | undefined;
  }): Promise<void>;
  dispose(): void;
}

/** The descent of a loss by `parameters`, inputs of it. Makes room for all inputs in the store. Errors: as for `GrowthData.load`. */
export function openDescent(
  data: GrowthData,
  store: Store,
  loss: Tensor,
  parameters: ReadonlyMap<string, Tensor>,
): Descent {
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
  const executable = data.load(store, program({}, Object.fromEntries(updates)));
  return {
    flops: graphFlops([loss, ...slopes]),
    async run({ steps, rate, signal }) {
      for (let n = 0; n < steps; n++) {
        // Signals arrive between turns of the event loop, which nothing else here may ever give a turn.
        await eventLoop();
        signal?.throwIfAborted();
        store.write(RATE, [(rate * (1 - n / steps)) / (1 - FIRST ** (n + 1))]);
        store.write(CORRECTION, [1 - SECOND ** (n + 1)]);
        data.write(store, n);
        await executable.run(store);
      }
    },
    dispose: () => executable.dispose(),
  };
}
