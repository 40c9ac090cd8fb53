// Selective scans and their gradients against loops over tokens, features and states that keep every state.
import { input, selectiveScan } from "../../src/tensor/index.ts";
import { type Check, type MakeChecks, noise } from "./cases.ts";
import type { Driver, Values } from "./isolated.ts";
import { gradientNode, nodeCheck } from "./nodeCase.ts";

/** Features for which the gradient sums what belongs to all of them. */
const GROUP = 64;

type Shape = readonly [batch: number, length: number, width: number, states: number];

/** y, the last state, and for gradients dy those of delta, u, rates (by sequence), write and read (by group). */
function loop([batch, length, width, states]: Shape, [delta, u, rates, write, read, dy]: readonly Values[]) {
  const groups = Math.ceil(width / GROUP);
  const numbers = (count: number) => new Float64Array(count);
  const found = {
    ...{ y: numbers(u!.length), last: numbers(batch * states * width) },
    ...{ dDelta: numbers(u!.length), du: numbers(u!.length), dRates: numbers(batch * states * width) },
    ...{ dWrite: numbers(groups * write!.length), dRead: numbers(groups * read!.length) },
  };
  for (let b = 0; b < batch; b++) {
    for (let e = 0; e < width; e++) {
      for (let n = 0; n < states; n++) {
        const featureAt = (t: number) => (b * length + t) * width + e;
        const stateAt = (t: number) => (b * length + t) * states + n;
        const groupAt = (t: number) => ((b * groups + Math.floor(e / GROUP)) * length + t) * states + n;
        const rate = rates![n * width + e]!;
        const decayAt = (t: number) => Math.exp(delta![featureAt(t)]! * rate);
        const h = numbers(length + 1);
        for (let t = 0; t < length; t++) {
          const at = featureAt(t);
          h[t + 1] = decayAt(t) * h[t]! + delta![at]! * u![at]! * write![stateAt(t)]!;
          found.y[at]! += read![stateAt(t)]! * h[t + 1]!;
        }
        const own = (b * states + n) * width + e;
        found.last[own] = h[length]!;
        let dh = 0;
        for (let t = length - 1; t >= 0; t--) {
          const at = featureAt(t);
          const [step, fed, written] = [delta![at]!, u![at]!, write![stateAt(t)]!];
          dh += read![stateAt(t)]! * dy![at]!;
          const faded = dh * decayAt(t) * h[t]!;
          found.dRead[groupAt(t)]! += dy![at]! * h[t + 1]!;
          found.dWrite[groupAt(t)]! += dh * step * fed;
          found.du[at]! += dh * step * written;
          found.dDelta[at]! += faded * rate + dh * fed * written;
          found.dRates[own]! += faded * step;
          dh *= decayAt(t);
        }
      }
    }
  }
  return found;
}

function checks(real: Driver["real"], shape: Shape, seed: number): Check[] {
  const [batch, length, width, states] = shape;
  const between = (low: number, high: number, count: number, i: number) =>
    real(noise(count, seed + i).map((x) => low + ((x + 1) / 2) * (high - low)));
  const features = batch * length * width;
  const values = [
    between(0, 1, features, 0),
    between(-1, 1, features, 1),
    between(-20, 0, states * width, 2),
    between(-1, 1, batch * length * states, 3),
    between(-1, 1, batch * length * states, 4),
    between(-1, 1, features, 5),
  ];
  const { y, last, dDelta, du, dRates, dWrite, dRead } = loop(shape, values);
  const scanned = selectiveScan({
    delta: input("delta", [batch, length, width]),
    u: input("u", [batch, length, width]),
    rates: input("rates", [states, width]),
    write: input("write", [batch, length, states]),
    read: input("read", [batch, length, states]),
  });
  const { node } = scanned.y;
  const backward = gradientNode(node, input("dy", [batch, length, width]));
  const options = { real, epsilons: 4 * (states + length + Math.min(width, GROUP)), rowsPerGroup: 2 };
  const name = `selective scan [${shape}]`;
  return [
    nodeCheck(name, "OP_SELECTIVE_SCAN", node, values.slice(0, 5), [y, last], options),
    nodeCheck(
      `gradient of ${name}`,
      "OP_SELECTIVE_SCAN_GRADIENT",
      backward,
      values,
      [dDelta, du, dRates, dWrite, dRead],
      options,
    ),
  ];
}

const shapes: readonly Shape[] = [
  [1, 1, 1, 1],
  [2, 3, 5, 3],
  [1, 31, 16, 8],
  [2, 33, 17, 9],
  [1, 70, 64, 16],
  [2, 40, 67, 5],
  [1, 130, 130, 17],
];

export const selectiveScanChecks: MakeChecks = (real) =>
  shapes.flatMap((shape, i) => checks(real, shape, 100 * i));
