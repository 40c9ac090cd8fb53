// Runs made of others by the command line: cut to narrower feed-forward layers, with blocks that share, and grown.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { Interruption } from "../../src/cli/failure.ts";
import { readLog } from "../../src/train/log.ts";
import { openModel } from "../../src/train/model.ts";
import { observeActivations } from "../../src/train/observe.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);
const backend = ["--backend", "reference"];

beforeAll(async () => {
  writeFileSync(at("book.txt"), "abcd bcda cdab dabc ".repeat(20));
  const shape = { length: 4, width: 8, stripe: "[attention(heads: 2), gelu(feedforward: 8)] × 2" };
  for (const [name, more] of Object.entries({ nested: { nested: [0.5, 1] }, plain: {} })) {
    writeFileSync(at(`${name}.json`), JSON.stringify({ ...shape, ...more }));
    const words = ["train", "--data", at("book.txt"), "--architecture", at(`${name}.json`), ...backend];
    const done = await scantling([...words, "--steps", "4", "--batch", "2", "--out", at(name)]);
    expect(done.exitCode).toBe(0);
  }
  const targets = {
    few: { layers: 1 },
    other: { stripe: "[attention(heads: 2), swiglu] × 2" },
    small: { stripe: "[attention(heads: 2), gelu(feedforward: 4)] × 2" },
  };
  for (const [name, target] of Object.entries(targets)) {
    writeFileSync(at(`${name}.json`), JSON.stringify(target));
  }
}, 60_000);

async function logitsOf(run: string): Promise<readonly number[]> {
  const machine = createReference();
  const found = await observeActivations(
    machine,
    openModel(machine, at(run)),
    [[0, 1, 2, 3]],
    (name) => name === "logits",
  );
  return found.get("logits")!.values;
}

/** Runs are made in single precision. */
function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
}

test("a cut run has the widths that were asked for, and is evaluated, sampled, exported and trained on", async () => {
  const words = ["cut", at("nested"), "--widths", "0.5,1", "--out", at("mixed"), "--json"];
  const { out, exitCode } = await scantling(words);
  expect(exitCode).toBe(0);
  const made = JSON.parse(out);
  const features = made.architecture.stripe.map((place: { feedforward?: number }) => place.feedforward);
  expect(features).toEqual([undefined, 4, undefined, 8]);
  expect(made.architecture).toMatchObject({ nested: null, repeat: 1 });
  for (const command of [
    ["evaluate", at("mixed"), ...backend],
    ["sample", at("mixed"), "--tokens", "5", ...backend],
    ["export", at("mixed"), "--to", "safetensors"],
    ["train", "--resume", at("mixed"), ...backend],
  ]) {
    expect((await scantling(command)).exitCode, command[0]).toBe(0);
  }
  expect(readLog(at("mixed")).filter(({ kind }) => kind === "step")).toHaveLength(4);
});

test("the whole width is the network it was cut of", async () => {
  expect((await scantling(["cut", at("nested"), "--widths", "1", "--out", at("whole")])).exitCode).toBe(0);
  expectNear(await logitsOf("whole"), await logitsOf("nested"));
});

test("blocks that share are at full rank what they were, and can be trained", async () => {
  const words = ["relax", at("plain"), "--rank", "8", "--out", at("shared"), "--json"];
  const { out, exitCode } = await scantling(words);
  expect(exitCode).toBe(0);
  const { missing, architecture } = JSON.parse(out);
  expect(missing).toBeLessThan(1e-12);
  expect(architecture.sources.map(({ source }: { source: string }) => source)).toEqual(["share", "lora"]);
  expectNear(await logitsOf("shared"), await logitsOf("plain"));
  expect((await scantling(["train", "--resume", at("shared"), ...backend])).exitCode).toBe(0);
  const { err } = await refusal(["prune", at("shared"), "--mlp", "4", "--out", at("x"), ...backend]);
  expect(err).toBe(
    "prune: the network has the parameter source lora, which cannot be pruned; expected none, or share",
  );
});

test("a grown run computes the same, says what was done, and can be trained", async () => {
  const sizes = ["--mlp", "12", "--heads", "4", "--blocks", "1", "--width", "12", "--layers", "+1@0"];
  const words = ["grow", at("plain"), ...sizes, "--out", at("grown"), ...backend];
  const { out, exitCode } = await scantling(words);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/block\.0\.attention2\.key\.weight: \[8, 8\] → \[8, 16\]; 64 of 128 are new/);
  expect(out).toMatch(/largest \|Δ logit\| on random tokens in float64: \S+e-1[5-9], of logits up to/);
  expect(out).toMatch(/largest \|Δ logit\| on its own data in float32: \S+, of logits up to/);
  expectNear(await logitsOf("grown"), await logitsOf("plain"));
  const more = ["train", "--resume", at("grown"), "--steps", "6", ...backend];
  expect((await scantling(more)).exitCode).toBe(0);
  const steps = readLog(at("grown")).filter(({ kind }) => kind === "step");
  expect(steps.map(({ step }) => step)).toEqual([5, 6]);
});

test("a run grows by another method, which tells its copies apart", async () => {
  const words = ["grow", at("plain"), "--mlp", "16", "--method", "net2net", "--noise", "10"];
  const { out, exitCode } = await scantling([...words, "--out", at("doubled"), ...backend]);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/are copies/);
  expect(out).not.toMatch(/--noise 10 tells them apart/);
  expectNear(await logitsOf("doubled"), await logitsOf("plain"));
});

test("a run grows to another architecture, and says in JSON what was done", async () => {
  const target = { width: 12, stripe: "[attention(heads: 2, headWidth: 4), gelu(feedforward: 16)] × 3" };
  writeFileSync(at("target.json"), JSON.stringify(target));
  const words = ["grow", at("plain"), "--to", at("target.json"), "--out", at("to"), "--json", ...backend];
  const { out } = await scantling(words);
  const { architecture, proof, step } = JSON.parse(out);
  expect(architecture).toMatchObject({ width: 12, repeat: 3, length: 4 });
  expect(step).toBe(4);
  expect(proof.data.float64.largest).toBeLessThan(1e-12 * proof.data.float64.scale);
  expectNear(await logitsOf("to"), await logitsOf("plain"));
});

test("a run grows while it is trained", async () => {
  const grow = '{"at": {"step": 2}, "to": {"layers": 3}}';
  const model = ["--architecture", at("plain.json"), "--steps", "4", "--batch", "2", ...backend];
  const words = ["train", "--data", at("book.txt"), ...model, "--grow", grow, "--out", at("growing")];
  const { err, exitCode } = await scantling(words);
  expect(exitCode).toBe(0);
  expect(err).toMatch(/step 2 {2}grown from \S+ to \S+ parameters: validation (\S+), then \1; largest/);
  expect(openModel(createReference(), at("growing"), "last").architecture.repeat).toBe(3);
  expect((await scantling(["sample", at("growing"), "--tokens", "5", ...backend])).exitCode).toBe(0);
});

test("a pruned run is as small as was asked for, tells its losses, and can be trained", async () => {
  const sizes = ["--layers", "1", "--width", "6", "--mlp", "4", "--heads", "1"];
  const words = ["prune", at("plain"), ...sizes, "--out", at("pruned"), ...backend];
  const { out, exitCode } = await scantling([...words, "--json"]);
  expect(exitCode).toBe(0);
  const made = JSON.parse(out);
  expect(made.architecture).toMatchObject({
    ...{ repeat: 1, width: 6 },
    stripe: [{ heads: 1, headWidth: 4 }, { feedforward: 4 }],
  });
  expect(made.steps.map(({ step }: { step: { prune: string } }) => step.prune)).toEqual([
    "layers",
    "width",
    "settings",
  ]);
  for (const { loss, removed } of [made, ...made.steps]) {
    expect(loss).toBeGreaterThan(0);
    for (const { share } of removed ?? []) expect(share).toBeLessThan(1);
  }
  expect((await scantling(["train", "--resume", at("pruned"), ...backend])).exitCode).toBe(0);
});

test("pruning says how far it is, and stops when it is told to", async () => {
  const words = ["prune", at("plain"), "--width", "6", "--mlp", "4", "--batches", "3", ...backend];
  const whole = await scantling([...words, "--out", at("told"), "--json"]);
  const shares = whole.err
    .split("\n")
    .flatMap((line) => /^(\d+) %: (?:loss|importance) /.exec(line)?.[1] ?? []);
  expect(shares.length).toBeGreaterThan(5);
  expect(shares.map(Number)).toEqual(shares.map(Number).sort((a, b) => a - b));
  expect(whole.err).toMatch(/^\d+ %: importance \{"prune":"width","to":6\}$/m);
  const stop = new AbortController();
  const onError = (text: string) => {
    if (text.includes("importance")) stop.abort(new Interruption(130));
  };
  const stopped = await scantling([...words, "--out", at("x")], { signal: stop.signal, onError });
  expect(stopped.exitCode).toBe(130);
  expect(existsSync(at("x"))).toBe(false);
});

test("a run that was grown is pruned back to the losses it had", async () => {
  const grow = ["grow", at("plain"), "--mlp", "12", "--heads", "4", "--out", at("wider"), ...backend];
  expect((await scantling(grow)).exitCode).toBe(0);
  const prune = ["prune", at("wider"), "--mlp", "8", "--heads", "2", "--out", at("again"), ...backend];
  const { out, exitCode } = await scantling(prune);
  expect(exitCode).toBe(0);
  expect(out).toMatch(
    /^loss before: (\S+)\n(?:.*\n)*.* without 0\.00 % of the importance\n(?:.*\n)* {2}loss: \1\n/,
  );
  expectNear(await logitsOf("again"), await logitsOf("plain"));
});

test.each<[string, readonly string[], RegExp]>([
  [
    "an architecture with fewer layers",
    ["grow", "plain", "--to", "few.json", "--out", "x"],
    /^grow: layers is 1/,
  ],
  [
    "another primitive",
    ["grow", "plain", "--to", "other.json", "--out", "x"],
    /^grow: a block is attention, swiglu/,
  ],
  [
    "an unknown method",
    ["grow", "plain", "--mlp", "16", "--method", "net3net", "--out", "x"],
    /^grow: there is no method "net3net"; expected one of zero, net2net/,
  ],
  ["a smaller size", ["grow", "plain", "--to", "small.json", "--out", "x"], /feedforward 8 cannot become 4/],
  ["a preset of another kind", ["grow", "plain", "--to", "gpt3-small", "--out", "x"], /^grow: /],
  ["no architecture", ["grow", "plain", "--to", "gpt9", "--out", "x"], /^grow: "gpt9" is neither a preset/],
  [
    "an architecture and a size",
    ["grow", "plain", "--to", "few.json", "--mlp", "12", "--out", "x"],
    /^grow: --to names all sizes/,
  ],
  ["events that are no JSON", ["train", "--data", "book.txt", "--grow", "[1,", "--out", "x"], /^--grow: /],
  [
    "an event that cannot be",
    ["train", "--data", "book.txt", "--grow", '[{"at": {"step": 9}, "to": {"layers": 1}}]', "--out", "x"],
    /^training: grow\[0\]: layers is 1; expected at least the 2 of now/,
  ],
  ["pruning nothing", ["prune", "plain", "--out", "x"], /^prune: nothing is to shrink/],
  [
    "pruning to a larger width",
    ["prune", "plain", "--width", "9", "--out", "x"],
    /^prune: width is 9; .* grow /,
  ],
  [
    "pruning to more features",
    ["prune", "plain", "--mlp", "9", "--out", "x"],
    /feedforward 8 cannot become 9; /,
  ],
  [
    "pruning to more layers",
    ["prune", "plain", "--layers", "3", "--out", "x"],
    /^prune: layers is 3; expected /,
  ],
  [
    "pruning what is not there",
    ["prune", "plain", "--set", "state=9", "--out", "x"],
    /^prune: no .* "state"$/,
  ],
  [
    "pruning to what it is",
    ["prune", "plain", "--mlp", "8", "--out", "x"],
    /^prune: nothing would be smaller/,
  ],
  [
    "pruning what is no size",
    ["prune", "plain", "--set", "window=2", "--out", "x"],
    /^prune: window of attention/,
  ],
  ["pruning onto itself", ["prune", "plain", "--mlp", "4", "--out", "plain", "--force"], /is the run itself/],
  [
    "growing a run on other data",
    ["grow", "plain", "--mlp", "9", "--data", "book.txt", "--out", "x"],
    /^grow: --data is for/,
  ],
  ["growing nothing", ["grow", "plain", "--out", "x"], /^grow: nothing is to grow/],
  [
    "blocks of no size",
    ["grow", "plain", "--blocks", "0", "--width", "9", "--out", "x"],
    /^grow: --blocks is given/,
  ],
  ["a smaller width", ["grow", "plain", "--width", "4", "--out", "x"], /^grow: width is 4/],
  ["layers without a place", ["grow", "plain", "--layers", "2", "--out", "x"], /^option '--layers <list>'/],
  [
    "a place that is not there",
    ["grow", "plain", "--layers", "+2@3", "--out", "x"],
    /^grow: block 3 is named/,
  ],
  ["an unknown setting", ["grow", "plain", "--set", "state=9", "--out", "x"], /has a setting "state"/],
  ["a share that is none", ["cut", "plain", "--widths", "1.5", "--out", "x"], /^option '--widths <list>'/],
  ["odd widths", ["cut", "plain", "--widths", "0.3", "--out", "x"], /hidden features of gelu are 2\.4/],
  ["more than blocks", ["cut", "plain", "--widths", "1,1,1", "--out", "x"], /^cut: 3 shares are given/],
  ["no run", ["cut", "none", "--widths", "1", "--out", "x"], /none holds no run/],
  ["a folder that is taken", ["cut", "plain", "--widths", "1", "--out", "nested"], /already holds a run/],
  ["the run itself", ["cut", "plain", "--widths", "1", "--out", "plain", "--force"], /is the run itself/],
  [
    "a rank above the width",
    ["relax", "plain", "--rank", "9", "--out", "x"],
    /^architecture: lora: rank is 9/,
  ],
])("%s is refused in one line", async (_, words, line) => {
  const inFolder = words.map((word) =>
    /^(?:plain|none|nested|x|\w+\.(?:json|txt))$/.test(word) ? at(word) : word,
  );
  expect((await refusal(inFolder)).err).toMatch(line);
});
