// A study as data: what it makes of what is asked, and what it refuses, in one line each.
import { expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { race } from "../../src/study/racing/race.ts";
import { replay } from "../../src/study/racing/rule.ts";
import { defineTrial, type TrialContext } from "../../src/trial/define.ts";
import type { ArmInput } from "../../src/trial/input.ts";
import { jobOf } from "../../src/trial/runs.ts";
import { context, input, resultsOf, trialOf } from "./harness.ts";

test("every arm has every rate and seed; a seed is the same data order for all", () => {
  const { runs, arms, seeds } = trialOf();
  expect(arms.map(({ name, steps, tokens }) => [name, steps, tokens])).toEqual([
    ["wide", 100, 3200],
    ["deep", 100, 3200],
  ]);
  expect(seeds).toEqual([1, 2, 3]);
  expect(new Set(runs.flat(2).map(({ run }) => run)).size).toBe(2 * 3 * 3);
  const [wide, deep] = runs.map((rates) => rates[0]!.map(({ spec }) => spec.training));
  expect(wide!.map(({ seed, batch, order }) => [seed, batch, order])).toEqual(
    deep!.map(({ seed, batch, order }) => [seed, batch, order]),
  );
});

test("equal FLOPs and equal seconds give each arm its own number of updates", () => {
  const byFlops = trialOf({ train: { flops: 1e9 } }).arms;
  for (const { flops } of byFlops) expect(Math.abs(flops / 1e9 - 1)).toBeLessThan(0.01);
  const bySixN = trialOf({ train: { flops: 1e9, convention: "sixN" } }).arms;
  for (const { parameters, tokens } of bySixN)
    expect(Math.abs((6 * parameters.total * tokens) / 1e9 - 1)).toBeLessThan(0.01);
  const bySeconds = trialOf({ train: { seconds: 5 } }, { ...context, secondsPerStep: [0.01, 0.05] }).arms;
  expect(bySeconds.map(({ steps }) => steps)).toEqual([500, 100]);
});

test("a family has the width at each depth that comes nearest to the parameters", () => {
  const { arms } = trialOf({
    arms: undefined,
    family: { architecture: { heads: 2, activation: "gelu", positions: "rope" }, depths: [1, 4, 16] },
    equal: { parameters: 196_608, convention: "kaplan", tolerance: 0.1 },
  } as never);
  expect(arms.map(({ name }) => name)).toEqual(["1 × 128", "4 × 64", "16 × 32"]);
  expect(arms.map(({ parameters }) => parameters.kaplan)).toEqual([196_608, 196_608, 196_608]);
});

test("the tokens that select and those of the test have nothing in common", () => {
  const { split } = trialOf({ evaluationTokens: 1_000_000 });
  expect(split.selection + split.test).toBeLessThan(context.data.validationTokens);
  expect(trialOf({ evaluationTokens: 100 }).split).toEqual({ selection: 100, test: 400 });
});

const refused = (more: Record<string, unknown>, of = context): string => {
  try {
    defineTrial({ ...input, ...more }, of);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    expect((error as Error).message).not.toContain("\n");
    return (error as Error).message;
  }
  throw new Error("it was not refused");
};

test("what an arm leaves undefined is the study's", () => {
  const { wide, deep } = input.arms! as Readonly<Record<"wide" | "deep", ArmInput>>;
  const open = { ...wide, rates: undefined, parametrisation: undefined, training: undefined };
  expect(defineTrial({ ...input, arms: { wide: open, deep } }, context).json).toEqual(trialOf().json);
});

test("what cannot be meant is refused, and says what would do", () => {
  expect(refused({ armes: {} })).toMatch(/unknown key "armes"; did you mean "arms"\?/);
  expect(refused({ arms: { one: input.arms!.wide } })).toMatch(/arms are 1 architecture; expected from 2/);
  expect(refused({ arms: { a: "gtp2", b: "gpt2" } })).toMatch(/did you mean gpt2/);
  expect(refused({ arms: { a: { architectur: {} }, b: "gpt2" } })).toMatch(/did you mean "architecture"\?/);
  expect(refused({ family: { architecture: {}, depths: [1, 2] } })).toMatch(/arms, by name, or a family/);
  expect(refused({ train: { tokens: 1, steps: 2 } })).toMatch(
    /train has 2 of steps, tokens, epochs, flops and seconds/,
  );
  expect(refused({ rates: [0.1, 0.01] })).toMatch(/each larger than the one before/);
  expect(refused({ training: { steps: 3 } })).toMatch(/training.steps is the study's own/);
  expect(refused({ training: { optimizer: "adamv" } })).toMatch(/wide: .*adamw/);
  expect(refused({ stop: "races" })).toMatch(/did you mean race\?/);
  expect(refused({ spend: "a lot" })).toMatch(/study: spend a lot: expected time/);
});

test("what every run would refuse is refused before the first, and names that are no line of text", () => {
  expect(refused({ training: { objective: "classification" } })).toMatch(/^study: wide: .*answer/);
  const bidirectional = { architecture: { width: 16, stripe: "[attention(causal: false), gelu]" } };
  expect(refused({ arms: { a: input.arms!.wide, b: bidirectional } })).toMatch(/^study: b: /);
  const shared = {
    architecture: { width: 16, heads: 2, layers: 2, share: { period: 1 }, sources: ["lora(rank: 2)"] },
  };
  expect(
    refused({ arms: { a: input.arms!.wide, b: shared }, training: { parametrisation: "chen" } }),
  ).toMatch(/^study: b: parametrisation chen: .*sources/);
  expect(refused({ evaluationTokens: 5 })).toMatch(/evaluationTokens is 5; expected at least the 8/);
  expect(refused({ arms: { "a\u001b[31m\nb": "gpt2", b: "gpt2" } })).toMatch(/an arm is named .*on one line/);
  expect(refused({ arms: { ["a".repeat(1e5)]: "gpt2", b: "gpt2" } }).length).toBeLessThan(300);
  expect(refused({ name: "a\nb" })).toMatch(/on one line/);
  const depths = {
    arms: undefined,
    family: { architecture: { heads: 2 }, depths: [4, 4] },
    equal: { parameters: 1e5 },
  };
  expect(refused(depths)).toMatch(/family.depths are 4, 4; expected each larger/);
  expect(refused({ training: { schedule: { warmup: "5" } } })).toMatch(
    /warmup is "5"; expected a whole number/,
  );
  const rates = Array.from({ length: 32 }, (_, i) => 0.001 * (i + 1));
  const arms = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`arm ${i}`, input.arms!.wide]));
  expect(refused({ arms, rates, seeds: 100 })).toMatch(/204,800 runs; expected at most 10,000/);
});

test("a run is named by its rate, whatever size that has", () => {
  const { runs } = trialOf({ rates: [0.00001, 0.01, 100_000] });
  expect(runs[0]!.map(([run]) => run!.run)).toEqual([
    expect.stringContaining("-rate0.0000100-"),
    expect.stringContaining("-rate0.0100-"),
    expect.stringContaining("-rate1.00e5-"),
  ]);
});

test("arms whose names differ in signs alone have runs of their own; other data are another study", () => {
  const { runs } = trialOf({ arms: { "a+": input.arms!.wide!, "a-": input.arms!.wide! } });
  expect(new Set(runs.flat(2).map(({ run }) => run)).size).toBe(2 * 3 * 3);
  const of = (sha256: string) => trialOf({}, { data: { ...context.data, sha256 } }).json;
  expect(of("1")).not.toEqual(of("2"));
});

test("arms that are not equal say how near they come", () => {
  expect(refused({ equal: { tolerance: 0.0001 } })).toMatch(
    /(wide|deep) has [\d,]+ parameters \(total\), \d+(\.\d+)? % (above|below) the middle of the arms.*expected within 0\.01 %/,
  );
  expect(refused({ equal: { parameters: 5000, convention: "kaplan", tolerance: 0.2 } })).toMatch(
    /wide has 3,072 parameters \(kaplan\), 39 % below equal\.parameters, 5,000; expected within 20 %/,
  );
  const equal = { convention: "kaplan", tolerance: 1, state: true };
  expect(
    refused({
      equal,
      arms: { a: input.arms!.wide, b: { architecture: { width: 16, stripe: "[lstm, gelu]" } } },
    }),
  ).toMatch(/decoding carries/);
});

test("state alone can be held equal", () => {
  const shapes = [
    { width: 16, heads: 2, stripe: "[attention, gelu]", repeat: 1 },
    { width: 16, heads: 2, stripe: "[attention, gelu(feedforward: 200)]", repeat: 1 },
  ];
  const arms = { a: { architecture: shapes[0]! }, b: { architecture: shapes[1]! } };
  expect(trialOf({ arms, equal: { state: true } }).arms).toHaveLength(2);
  expect(refused({ arms, equal: { state: true, convention: "total" } })).toMatch(/parameters \(total\)/);
  const two = { ...arms, b: { architecture: { ...shapes[0]!, repeat: 2 } } };
  expect(refused({ arms: two, equal: { state: true } })).toMatch(/decoding carries/);
});

test("state can be a number, which arms and families come near to", () => {
  const arms = {
    a: { architecture: { width: 16, heads: 2, stripe: "[attention, gelu]" } },
    b: { architecture: { width: 16, heads: 2, stripe: "[attention, gelu(feedforward: 200)]" } },
  };
  const { kept } = trialOf({ arms, equal: { state: true } }).arms[0]!.count.stateElements;
  expect(trialOf({ arms, equal: { state: kept } }).arms).toHaveLength(2);
  expect(refused({ arms, equal: { state: 2 * kept } })).toMatch(
    /decoding carries [\d,]+ numbers for a, 50 % below equal\.state, [\d,]+; expected within 2\.00 %: change its width/,
  );
  const family = { architecture: { heads: 2, stripe: "[attention, gelu]" }, depths: [1, 2, 4] };
  const { arms: _, ...others } = input;
  const solved = defineTrial({ ...others, family, equal: { state: 4 * kept } }, context).arms;
  // Keys and values of every layer: half the width at twice the depth.
  expect(solved.map(({ architecture }) => architecture.width)).toEqual([64, 32, 16]);
  for (const arm of solved) expect(arm.count.stateElements.kept).toBe(4 * kept);
  expect(refused({ arms: undefined, family, equal: { state: 4 * kept + 60, tolerance: 0.001 } })).toMatch(
    /below equal\.state, [\d,]+; expected within 0\.10 %: change equal\.state, family\.depths/,
  );
  expect(refused({ arms: undefined, family, equal: { state: true } })).toMatch(/a number as equal\.state/);
  const stateless = { ...family, architecture: { stripe: "[gelu]" } };
  expect(refused({ arms: undefined, family: stateless, equal: { state: 100 } })).toMatch(
    /family: depth 1: no width meets 100 numbers of state \(kept\), as each has 0; take another architecture/,
  );
});

test("a race in time has that by the clock, however many processes there are; one in FLOPs what it is given", () => {
  const spentOn = (spend: string, processes: number) => {
    const trial = trialOf({ stop: "race", spend }, { ...context, processes, secondsPerStep: [0.01, 0.01] });
    const failures = resultsOf(trial, () => null).failures.map((one) => ({ ...one, seconds: 3, flops: 5 }));
    const { standing } = replay(race(trial.raced), { results: [], failures });
    return [trial.raced.budget, standing.spent];
  };
  // Two arms at three rates begin together, and the last of them ends after so long.
  expect([1, 2, 4, 64].map((processes) => spentOn("10m", processes))).toEqual([
    [600, 18],
    [600, 9],
    [600, 6],
    [600, 3],
  ]);
  expect(spentOn("1e12flops", 64)).toEqual([1e12, 30]);
});

test("a failure costs a race what it took, and nothing in records of earlier versions", () => {
  const trial = trialOf({ stop: "race" });
  const inTime = race({ ...trial.raced, cost: ({ seconds }) => seconds });
  const failures = resultsOf(trial, () => null).failures;
  const spentOn = (cost: { readonly seconds?: number }) =>
    replay(inTime, { results: [], failures: failures.map((one) => ({ ...one, ...cost })) }).standing.spent;
  // Both arms at three rates under the first seed.
  expect([spentOn({ seconds: 3 }), spentOn({})]).toEqual([18, 0]);
});

test("a budget or data too small say what would be enough", () => {
  expect(refused({ stop: "race", spend: "1e6flops" })).toMatch(
    /too small for one run of each arm under each rate; expected at least \S+flops/,
  );
  // Processes and data take their time, however fast updates are.
  expect(refused({ stop: "race", spend: "3s" }, { ...context, secondsPerStep: [1e-6, 1e-6] })).toMatch(
    /study: spend is too small for one run of each arm under each rate; expected at least \S+/,
  );
  expect(refused({ train: { tokens: 20 } })).toMatch(
    /"wide" 0\.625 updates of 32 tokens; expected at least 2/,
  );
  const few = { data: { ...context.data, trainingTokens: 400 } };
  expect(refused({}, few)).toMatch(
    /trained on 3,200 tokens and words has 400, 8\.0 epochs; expected at most 4/,
  );
  expect(trialOf({ training: { order: "epochs" } }, few).arms).toHaveLength(2);
  const { arms, runs } = trialOf({ train: { epochs: 8 } }, few);
  expect(arms.map(({ tokens }) => tokens)).toEqual([3200, 3200]);
  expect(runs[0]![0]![0]!.spec.training.order).toBe("epochs");
  expect(refused({}, { data: { ...context.data, validationTokens: 12 } })).toMatch(/12 validation tokens/);
});

test("runs are known by what is in data that have a path, and whatever the backend; else as they always were", () => {
  const nameOf = (data: string | undefined, more: Partial<TrialContext>) =>
    trialOf(data === undefined ? {} : { data }, { ...context, ...more }).runs[0]![0]![0]!.run;
  const [known, sha] = [{ isPath: true }, { ...context.data, sha256: "1" }];
  // Names in folders of earlier versions.
  const usual = "wide-rate0.00100-seed1-501a33b2";
  expect(nameOf(undefined, {})).toBe(usual);
  expect(nameOf(undefined, { knownBy: { isPath: false } })).toBe(usual);
  expect(nameOf("novels", { knownBy: { isPath: false } })).toBe("wide-rate0.00100-seed1-590f9e80");
  expect(nameOf("./lang.txt", {})).toBe("wide-rate0.00100-seed1-c792f42e");
  expect(nameOf(undefined, { backend: "native" })).toBe("wide-rate0.00100-seed1-c598ceee");
  expect(nameOf(undefined, { backend: "native", knownBy: { isPath: false } })).toBe(usual);
  const spelled = ["lang.txt", "./lang.txt", "/tmp/lang.txt"].map((data) =>
    nameOf(data, { data: sha, knownBy: known }),
  );
  expect(new Set(spelled).size).toBe(1);
  expect(nameOf("lang.txt", { data: { ...sha, sha256: "2" }, knownBy: known })).not.toBe(spelled[0]);
  // Workers are told where the data are.
  const run = trialOf({ data: "./lang.txt" }, { ...context, data: sha, knownBy: known }).runs[0]![0]![0]!;
  expect(jobOf(run)).toMatchObject({ spec: { data: "./lang.txt" }, identity: { data: "1" } });
});
