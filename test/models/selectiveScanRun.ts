// A program of its own, so that its peak memory is its own: trains a selective scan for a few steps and prints one JSON
// document. Arguments: width, state, length, batch, threads.
import { createNative } from "../../src/backend/native/index.ts";
import { createNativeStore } from "../../src/backend/native/store.ts";
import { gradients, mean, program, square } from "../../src/tensor/index.ts";
import { prepare } from "./profile.ts";
import { selectiveScan, selectiveScanValues } from "./selectiveScan.ts";
import { inputsOf, randomNumbers } from "./values.ts";

const [width, state, length, batch, threads] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const machine = await createNative({ threads });
const store = createNativeStore(machine.library);

function load() {
  const values = selectiveScanValues(randomNumbers(1), { batch, length, width, state });
  for (const [name, value] of Object.entries(values)) {
    store.allocate(name, value);
    store.write(name, value.data);
  }
  return inputsOf(values);
}
const inputs = load();
const outputs = selectiveScan(inputs);
const loss = mean(square(outputs.y!));
const found = gradients(loss, Object.values(inputs));
const names = Object.keys(inputs);
const planning = performance.now();
const prepared = prepare(
  machine,
  program({ loss, ...Object.fromEntries(found.map((g, i) => [`d ${names[i]}`, g])) }),
  store,
);
const planMilliseconds = performance.now() - planning;
const times: number[] = [];
const processor: number[] = [];
for (let run = 0; run < 5; run++) {
  const start = performance.now();
  const used = process.cpuUsage();
  prepared.run();
  const { user, system } = process.cpuUsage(used);
  times.push(performance.now() - start);
  processor.push((user + system) / 1000);
}
const milliseconds = Math.min(...times);
const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(
  `${JSON.stringify(
    {
      tokensPerSecond: Math.round((batch * length) / (milliseconds / 1000)),
      milliseconds,
      processorMilliseconds: Math.min(...processor),
      planMilliseconds,
      peakMemoryBytes,
      arenaBytes: prepared.arenaBytes,
      loss: store.read("loss")[0],
      plan: prepared.plan,
      instructions: prepared.profile(),
    },
    null,
    2,
  )}\n`,
);
