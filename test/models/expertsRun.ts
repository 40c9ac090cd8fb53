// Times forward and backward of a dropless layer of experts against a dense layer of equal active products, interleaved.
// Prints one JSON document. Arguments: tokens, width, inner, experts, threads, runs.
import { createNative, type NativeMachine } from "../../src/backend/native/index.ts";
import { createNativeStore } from "../../src/backend/native/store.ts";
import { gradients, linear, mean, program, silu, square, type Tensor } from "../../src/tensor/index.ts";
import { droplessExperts, expertsValues } from "./experts.ts";
import { prepare } from "./profile.ts";
import { inputsOf, randomNumbers, type Tensors, uniform, type Values } from "./values.ts";

const [tokens, width, inner, experts, threads, runs] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
  number,
];

function training(machine: NativeMachine, values: Values, apply: (inputs: Tensors) => Tensor) {
  const store = createNativeStore(machine.library);
  for (const [name, value] of Object.entries(values)) {
    store.allocate(name, value);
    store.write(name, value.data);
  }
  const inputs = inputsOf(values);
  const loss = mean(square(apply(inputs)));
  const found = gradients(loss, Object.values(inputs));
  const names = Object.keys(inputs).map((name) => `d ${name}`);
  return prepare(
    machine,
    program({ loss, ...Object.fromEntries(found.map((g, i) => [names[i]!, g])) }),
    store,
  );
}

const machine = await createNative({ threads });
const random = randomNumbers(1);
const sparse = training(
  machine,
  expertsValues(random, { tokens, width, inner, experts }),
  (inputs) => droplessExperts(inputs).y!,
);
const denseValues = {
  x: uniform(random, [tokens, width]),
  up: uniform(random, [width, 2 * inner]),
  down: uniform(random, [2 * inner, width]),
};
const dense = training(machine, denseValues, ({ x, up, down }) => linear(silu(linear(x!, up!)), down!));

const times = { sparse: [] as number[], dense: [] as number[] };
for (let run = 0; run < runs; run++) {
  for (const [name, prepared] of Object.entries({ sparse, dense }) as ["sparse" | "dense", typeof sparse][]) {
    const start = performance.now();
    prepared.run();
    times[name].push(performance.now() - start);
  }
}
const best = { sparse: Math.min(...times.sparse), dense: Math.min(...times.dense) };
const instructions = { sparse: sparse.profile(), dense: dense.profile() };
process.stdout.write(
  `${JSON.stringify({ ratio: best.sparse / best.dense, best, plan: sparse.plan, densePlan: dense.plan, instructions }, null, 2)}\n`,
);
