// Every parameter source, loop, paths and nested widths, alone and together, under attention, Hyena and Mamba: it learns, and decoding sees what training saw.
import { describe, expect, test } from "vitest";
import {
  type ArchitectureInput,
  defineArchitecture,
  type SourceItem,
} from "../../src/architecture/architecture.ts";
import { decodingNames, decodingState, stepProgram } from "../../src/architecture/decode.ts";
import { evaluate, sizeOf } from "../../src/tensor/index.ts";
import { timeSteps } from "../../src/train/benchmarkSteps.ts";
import { native } from "../engine/harness.ts";
import { distance } from "../tensor/harness.ts";
import { BATCH, LENGTH, logitsOf, small, startOf, tokens, type Values, VOCABULARY } from "./sourced.ts";

const stripes = {
  attention: ["attention(heads: 2)", "swiglu"],
  hyena: ["hyena(filterWidth: 4)", "swiglu"],
  mamba: ["mamba(state: 4)", "swiglu"],
} as const;
const sources: Record<string, readonly SourceItem[]> = {
  share: ["share(period: 2)"],
  lora: ["lora(rank: 2)"],
  maps: ["maps(groups: 2)"],
  bank: ["bank(size: 300)"],
  mpo: ["mpo(rank: 4)"],
  ternary: ["ternary"],
  "shared, with additions": ["share", "lora(rank: 2)", "maps"],
  "factors, shared by neighbours, rounded": [{ source: "share", groups: [2, 2] }, "mpo", "ternary"],
  everything: ["ternary", "lora(rank: 1)", "share(period: 2)", "maps", "mpo(rank: 3)", "bank(size: 99)"],
};

const combinations: Record<string, Partial<ArchitectureInput>> = {
  ...Object.fromEntries(Object.entries(sources).map(([name, some]) => [name, { sources: some }])),
  "applied twice": { loop: { times: 2 } },
  "two paths": { paths: 2 },
  "nested widths": { nested: [0.25, 0.5, 1] },
  "shared, applied twice, two paths, nested, with everything": {
    ...{ repeat: 2, loop: { times: 2 }, paths: 2, nested: [0.25, 1] },
    sources: sources.everything!,
  },
};

describe.each(Object.entries(combinations))("%s", (_, more) => {
  test.each(Object.entries(stripes))("%s learns, and decoding sees what training saw", async (__, stripe) => {
    const architecture = defineArchitecture({ ...small, ...more, stripe });
    const options = { batch: 8, steps: 80, seed: 1 };
    const { lossFirst, lossLast } = await timeSteps(await native(false), architecture, options);
    expect(lossLast).toBeLessThan(lossFirst - 0.1);

    const values = startOf(architecture);
    const expected = logitsOf(architecture, values);
    const program = stepProgram(architecture, BATCH);
    const state: Values = Object.fromEntries(
      [...decodingState(architecture, BATCH)].map(([name, { shape, initial }]) => [
        name,
        { shape, data: new Float64Array(sizeOf(shape)).fill(initial) },
      ]),
    );
    const updated = Object.keys(program.updates);
    for (let t = 0; t < LENGTH; t++) {
      const data = Float64Array.from({ length: BATCH }, (___, b) => tokens.data[b * LENGTH + t]!);
      const [logits, ...next] = evaluate(
        [program.outputs[decodingNames.logits]!, ...Object.values(program.updates)],
        {
          ...values,
          ...state,
          [decodingNames.tokens]: { shape: [BATCH, 1], data },
          [decodingNames.position]: { shape: [], data: Float64Array.of(t) },
        },
      );
      updated.forEach((name, i) => {
        state[name] = next[i]!;
      });
      const places = Array.from({ length: BATCH }, (___, b) => (b * LENGTH + t) * VOCABULARY);
      const whole = places.flatMap((place) => [...expected.subarray(place, place + VOCABULARY)]);
      expect(distance(logits!.data, whole), `token ${t}`).toBeLessThan(1e-9);
    }
  });
});
