#!/usr/bin/env node
// Laws from runs of one's own: a ladder of equal FLOPs on novels, its largest budget predicted before it is run, and a ladder of
// state. Rates are measured first. Every finished run is on the disk as it ends; the same command goes on.

import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  decoderFamily,
  defineLadder,
  defineTransfer,
  ladder,
  ladderSeconds,
  loadDataset,
  measureLadderSpeed,
  openMachine,
  ratesOf,
  transfer,
} from "../../dist/index.js";
import { namesOf, readOptions, stopSignal, wholeOption } from "../options.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const DATA = "gutenberg_novels";

const HELP = `Usage: SCANTLING_DATA=FOLDER node bench/ladder/ladder.js [options]

Reads ${DATA} from SCANTLING_DATA. First the best learning rates of each architecture under muP, on narrow models. Then:
isoflop: a decoder of 4 layers at 1e12, 3e12, 9e12, 2.7e13 and 8e13 FLOP, five sizes each around the best; the fifth budget is
predicted from four before it is run. state: gated linear attention, Mamba and Mamba-2 with four sizes of state each at 2e12
FLOP, three sizes of model; the largest state of each is predicted.
Results: bench/ladder/rates.json, isoflop.json, state.json, and the pages beside them.

  --only NAME     isoflop or state (default: both)
  --processes N   runs at a time (default: one a core)
  --smoke         tiny models, in a minute: the way through, no measurement
  --estimate      say how long it takes, and stop
  --help
`;

const values = readOptions(HELP, {
  only: { type: "string" },
  processes: { type: "string" },
  smoke: { type: "boolean", default: false },
  estimate: { type: "boolean", default: false },
});

const signal = stopSignal();
const processes = wholeOption(values, "processes");
const common = { processes, signal };
const { smoke } = values;
const results = smoke ? path.join(tmpdir(), "scantling-ladder-smoke") : HERE;
const folderOf = (name) => path.join(results, "studies", name);

const dataset = await loadDataset({ data: DATA, dataFolder: process.env.SCANTLING_DATA });
const { vocabulary } = dataset.tokenizer;

const length = smoke ? 32 : 128;
const layers = smoke ? 1 : 4;
const usual = { length, norm: "rms", positions: "none" };
/** One of the architectures of the ladder of state: mixer and SwiGLU in turn. */
const mixing = (name, mixer) => ({
  ...{ name, step: 16 },
  architecture: (width, depth) => ({
    ...{ ...usual, width, layers: depth },
    stripe: [mixer, { primitive: "swiglu", feedforward: 2 * width }],
  }),
});
const groups = {
  // Fewer heads of more features keep more, with the same matrices.
  gla: [8, 4, 2, 1].map((heads) =>
    mixing(`gla-heads${heads}`, { primitive: "gated-linear-attention", heads }),
  ),
  mamba: [2, 4, 8, 16].map((state) => mixing(`mamba-state${state}`, { primitive: "mamba", state })),
  mamba2: [8, 16, 32, 64].map((state) =>
    mixing(`mamba2-state${state}`, { primitive: "mamba2", state, headWidth: 32 }),
  ),
};

/** The best learning rate goes down with the length of a run: the runs of the first ladder are long, and its models wider. */
const measureOf = (name) => {
  if (smoke) return { steps: 10, widths: [16, 32] };
  return name === "decoder" ? { steps: 1000, widths: [32, 64, 128] } : { steps: 400, widths: [32, 64] };
};
const rateRequest = (name, architecture) => ({
  architecture,
  ...{ parametrisations: ["mup"], depths: [layers], ...measureOf(name) },
  rates: smoke ? [1e-3, 4e-3, 1.6e-2] : [1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2],
  ...{ seeds: [1], batch: smoke ? 4 : 16, data: DATA, vocabulary },
});

/** Best rates over widths under muP; where they do not stay, their mean, and it is said. */
async function measureRates(name, architecture) {
  const file = path.join(results, "rates.json");
  const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  if (known[name] === undefined) {
    let result;
    const request = rateRequest(name, architecture);
    for await (const event of transfer({ ...common, ...request, folder: folderOf(`rates-${name}`) })) {
      if (event.kind !== "end") continue;
      if (event.reason === "interrupted") process.exit(130);
      result = event.result;
    }
    const [series] = result.series;
    let rule;
    try {
      rule = ratesOf(result, name);
    } catch {
      const best = series.sizes.flatMap((one) => (one.best === null ? [] : [result.rates[one.best]]));
      const rate = Math.exp(best.reduce((sum, one) => sum + Math.log(one), 0) / best.length);
      const parametrisation = { kind: "mup", baseWidth: series.sizes[0].size, zeroHead: true };
      rule = { kind: "parametrised", parametrisation, rate };
    }
    known[name] = { text: series.text, rule, result };
    writeFileSync(file, `${JSON.stringify(known, null, 1)}\n`);
  }
  const { text, rule } = known[name];
  console.log(
    `${name}: ${text}; rate ${rule.rate.toPrecision(3)} at width ${rule.parametrisation.baseWidth}`,
  );
  return rule;
}

const settings = {
  ...{ vocabulary, data: DATA, seed: 1, trainingTokens: dataset.training.length },
  ...(smoke ? { batch: 4, evaluationTokens: 2048 } : { batch: 16, evaluationTokens: 65_536 }),
};

const requests = {
  isoflop: (rateOf) => ({
    ...{ ...settings, kind: "isoflop", layers, family: decoderFamily(length, rateOf("decoder")) },
    budgets: smoke ? [1.5e9, 3e9, 6e9, 1.2e10, 2.4e10] : [1e12, 3e12, 9e12, 2.7e13, 8e13],
    sizes: [0.25, 0.5, 1, 2, 4],
  }),
  state: (rateOf) => ({
    ...{
      ...settings,
      kind: "state",
      layers,
      budgets: [smoke ? 5e9 : 2e12],
      sizes: smoke ? [1] : [0.5, 1, 2],
    },
    families: Object.entries(groups).flatMap(([group, families]) =>
      families.map((family) => ({ ...family, group, rates: rateOf(group) })),
    ),
    ...(smoke ? { parameters: 10_000 } : {}),
  }),
};
/** What rates are measured for, and of which of its architectures. */
const measured = {
  isoflop: { decoder: decoderFamily(length, {}) },
  state: Object.fromEntries(Object.entries(groups).map(([group, families]) => [group, families[1]])),
};
const wanted = namesOf(values, Object.keys(requests));

const anyRate = { kind: "parametrised", parametrisation: { kind: "mup", baseWidth: 32 }, rate: 4e-3 };
const { machine } = await openMachine({ threads: 1 });
for (const name of wanted) {
  const request = requests[name](() => anyRate);
  const whole = defineLadder(request);
  const all = { runs: whole.planned.length, flops: whole.flops, seconds: 0, rates: 0 };
  // Architectures of one group are equally fast.
  for (const [group, { architecture }] of Object.entries(measured[name])) {
    const own = name === "state" ? { families: request.families.filter((one) => one.group === group) } : {};
    const part = defineLadder({ ...request, ...own });
    const speed = await measureLadderSpeed(machine, part);
    all.seconds += ladderSeconds(part, speed);
    for (const { flops, spec } of defineTransfer(rateRequest(group, architecture)).runs) {
      const { steps, batch } = spec.training;
      all.rates += flops / speed({ flops, tokens: steps * batch * length });
    }
  }
  const [ladderHours, rateHours] = [all.seconds / 3600, all.rates / 3600].map((hours) => hours.toFixed(2));
  console.log(
    `${name}: ${all.runs} runs, ${all.flops.toExponential(2)} FLOP, about ${ladderHours} h of processes, and ${rateHours} h of the rates before`,
  );
}
machine.dispose();
if (values.estimate) process.exit(0);

for (const name of wanted) {
  const rules = {};
  for (const [group, family] of Object.entries(measured[name])) {
    rules[group] = await measureRates(group, family.architecture);
  }
  const folder = folderOf(name);
  for await (const event of ladder({ ...requests[name]((group) => rules[group]), ...common, folder })) {
    if (event.kind === "prediction") {
      console.log(`predicted by ${event.prediction.laws.join("; ")}`);
      for (const { rung, best, loss } of event.prediction.rungs) {
        console.log(`  ${rung}: ${best === null ? "" : `at ${said(best)}, `}loss ${said(loss)}`);
      }
    } else if (event.kind === "end") {
      if (event.reason === "interrupted") process.exit(130);
      for (const { text, reasons } of event.result.outcomes) {
        console.log(text);
        for (const why of reasons) console.log(`  why: ${why}`);
      }
      writeFileSync(path.join(results, `${name}.json`), `${JSON.stringify(event.result, null, 1)}\n`);
      copyFileSync(event.report, path.join(results, `${name}.html`));
    } else if (event.event.kind === "result") {
      const { run, value, seconds } = event.event.result;
      console.log(`${run}: loss ${value.loss?.toFixed(4) ?? "out of bounds"}, ${seconds.toFixed(0)} s`);
    } else if (event.event.kind === "failure") {
      console.log(`${event.event.failure.run} failed: ${event.event.failure.reason}`);
    }
  }
}

function said({ value, interval }) {
  const write = (number) => Number(number.toPrecision(4));
  return `${write(value)}${interval === null ? "" : ` [${interval.map(write).join(", ")}]`}`;
}
