// LiGO (Wang et al. 2023): a larger network is a linear map of the smaller one, learned in 100 steps on the data that it is
// trained on, and forgotten.
import type { Architecture } from "../../architecture/schema.ts";
import type { Store } from "../../backend/machine.ts";
import { program } from "../../tensor/program.ts";
import { type Shape, sizeOf, type Tensor } from "../../tensor/tensor.ts";
import type { GrowthNote, NamedTensors } from "../grow.ts";
import { placesIn } from "../places.ts";
import { type Origins, storedParameters } from "../plan.ts";
import { type GrowthStep, stepTarget } from "../steps.ts";
import type { FloatNumbers } from "../tensor.ts";
import { openDescent } from "./descent.ts";
import type { GrowingNetwork, GrownBy, GrowthData, LearningMethod, MethodContext } from "./method.ts";
import { growthOperators } from "./operators.ts";

export const ligo: LearningMethod = {
  name: "ligo",
  summary: "all parameters are linear maps of the old ones, learned in 100 steps on the data",
  grows: ["settings", "width", "layers", "architecture"],
  preserves: false,
  twins: false,
  needsData: true,
  grow: growLinearly,
};

const STEPS = 100;
const RATE = 3e-3;
/** Batches, behind those it learns on, that the loss is told of. */
const TOLD = 8;

async function growLinearly<N extends FloatNumbers>(
  { architecture, values }: GrowingNetwork<N>,
  steps: readonly GrowthStep[],
  { seed, signal }: MethodContext,
  data: GrowthData,
): Promise<GrownBy<N>> {
  const { to, origins } = targetOf(architecture, steps);
  const operators = growthOperators(architecture, to, origins, seed);
  const loss = data.loss(to, operators.source);
  const stored = storedParameters(to);
  const grown = [...stored].map(
    ([name, declaration]) => [grownName(name), operators.source.parameter(name, declaration)] as const,
  );
  const store = data.machine.createStore();
  // First, so that what memory has no room for is refused before anything is done.
  const descent = openDescent(data, store, loss, operators.tensors);
  try {
    for (const [name, { shape, data }] of Object.entries(values)) {
      store.allocate(name, { shape, dtype: "f32" });
      store.write(name, data);
    }
    for (const [name, { shape }] of operators.tensors) {
      store.allocate(name, { shape, dtype: "f32" });
      store.write(name, operators.initial(name));
    }
    const before = await meanLoss(data, store, loss);
    await descent.run({ steps: STEPS, rate: RATE, signal });
    const after = await meanLoss(data, store, loss);
    const made = data.load(store, program(Object.fromEntries(grown)));
    await made.run(store);
    made.dispose();
    const isSingle = Object.values(values)[0]?.data instanceof Float32Array;
    const numbers = [...stored].map(([name, { shape }]) => {
      const found = Float64Array.from(store.read(grownName(name)), Number);
      return [name, { shape, data: (isSingle ? Float32Array.from(found) : found) as N }] as const;
    });
    const told = [
      `loss on ${TOLD} further batches: ${before.toFixed(4)} with the operators that it begins with, ${after.toFixed(4)} after ` +
        `${STEPS} steps`,
    ];
    const notes = notesOf(values, numbers);
    return {
      architecture: to,
      values: Object.fromEntries(numbers),
      steps: steps.map((step, i) => (i < steps.length - 1 ? { step, notes: [] } : { step, notes, told })),
      flops: STEPS * descent.flops,
    };
  } finally {
    descent.dispose();
    for (const name of store.names()) store.release(name);
  }
}

const grownName = (name: string): string => `grown/${name}`;

/** All steps at once; norms see copies of features, so that their epsilon stays. */
function targetOf(
  from: Architecture,
  steps: readonly GrowthStep[],
): { readonly to: Architecture; readonly origins: Origins } {
  let to = from;
  let origins: Origins = placesIn(from).map((_, i) => i);
  for (const step of steps) {
    const next = stepTarget(to, step);
    const old = origins;
    origins = next.origins.map((origin) => (origin === null ? null : old[origin]!));
    to = next.to;
  }
  return { to: { ...to, normEpsilon: from.normEpsilon }, origins };
}

/** On batches behind those of the steps. */
async function meanLoss(data: GrowthData, store: Store, loss: Tensor): Promise<number> {
  const executable = data.load(store, program({ [LOSS]: loss }));
  let sum = 0;
  for (let n = STEPS; n < STEPS + TOLD; n++) {
    data.write(store, n);
    await executable.run(store);
    sum += Number(store.read(LOSS)[0]);
  }
  executable.dispose();
  return sum / TOLD;
}

const LOSS = "ligo/loss";

function notesOf(
  before: NamedTensors,
  grown: readonly (readonly [string, { readonly shape: Shape }])[],
): GrowthNote[] {
  return grown.map(([name, { shape }]) => {
    const old = Object.hasOwn(before, name) ? before[name]!.shape : null;
    const added = old === null ? 0 : sizeOf(shape) - sizeOf(old);
    return {
      name,
      before: old,
      after: shape,
      added,
      zero: 0,
      copied: 0,
      scale: 1,
      how: "a learned linear map of the old ones",
    };
  });
}
