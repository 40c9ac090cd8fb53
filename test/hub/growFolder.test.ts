import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Machine, Store } from "../../src/backend/machine.ts";
import { createReference } from "../../src/backend/reference.ts";
import { growNetwork } from "../../src/growth/grow.ts";
import { planGrowth } from "../../src/growth/plan.ts";
import { type GrowthStep, stepTarget } from "../../src/growth/steps.ts";
import { growFolder } from "../../src/hub/growFolder.ts";
import { openPublicModel, readParameters } from "../../src/hub/model.ts";
import { compareByPlace } from "../../src/hub/prove.ts";
import { placeBound, unroundedValues } from "../../src/hub/rounding.ts";
import { network } from "../growth/harness.ts";
import { copyOf, differenceFrom, fixture, layoutNames, newFolder } from "./harness.ts";

const machine = createReference();
const small = network({});
const settings = (to: Record<string, unknown>): GrowthStep => ({ grow: "settings", to });
const layers: GrowthStep = { grow: "layers", add: 1, at: 1 };
const width = (to: number): GrowthStep => ({ grow: "width", to });
const configOf = (folder: string) => JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
const grow = (name: string, steps: readonly GrowthStep[], more = {}) =>
  growFolder({ folder: fixture(name), out: newFolder(), steps, machine, seed: 3, ...more });

/** Changes the text of a header, which keeps its length. */
function editHeader(folder: string, change: (text: string) => string): void {
  const path = join(folder, "model.safetensors");
  const file = readFileSync(path);
  const end = 8 + Number(file.readBigUInt64LE(0));
  file.write(change(file.toString("utf8", 8, end)), 8, "utf8");
  writeFileSync(path, file);
}

const all: Record<(typeof layoutNames)[number], GrowthStep[]> = {
  gpt2: [settings({ feedforward: 40 }), width(16), layers],
  llama: [settings({ feedforward: 20, heads: 4, kvHeads: 2 }), settings({ headWidth: 6 }), width(12), layers],
  mistral: [settings({ feedforward: 20, heads: 4, headWidth: 24 }), width(32), layers],
  qwen2: [settings({ feedforward: 20, heads: 6, kvHeads: 3 }), width(32), layers],
  vit: [settings({ feedforward: 40 }), width(16), layers],
};

describe("a grown folder has the logits that were recorded of the small one", () => {
  // Mistral and Qwen2 are in short formats and grow by powers of two: nothing is rounded.
  const bounds = { gpt2: 1e-5, llama: 1e-5, mistral: 1e-12, qwen2: 1e-12, vit: 1e-5 };
  for (const name of layoutNames) {
    it(name, async () => {
      const made = await grow(name, all[name]);
      expect(differenceFrom(made.folder, name)).toBeLessThan(bounds[name]);
      expect(made.proof).toMatchObject({ kind: "network" });
      const [before, after] = [openPublicModel(fixture(name)), openPublicModel(made.folder)];
      const formats = ({ tensors }: typeof before) =>
        Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor.stored.dtype]));
      expect(formats(after)).toMatchObject(formats(before));
      for (const model of [before, after]) model.close();
    });
  }
});

describe("place by place", () => {
  const compare = async (spoil: boolean) => {
    const steps = all.llama;
    const before = openPublicModel(fixture("llama"));
    const made = await grow("llama", steps);
    const after = openPublicModel(made.folder);
    let [to, origins] = [before.architecture, [0, 1, 2, 3] as readonly (number | null)[]];
    for (const step of [...steps, settings({ valueWidth: 6 })]) {
      const next = stepTarget(to, step);
      [to, origins] = [next.to, next.origins.map((i) => (i === null ? null : origins[i]!))];
    }
    if (spoil) {
      // The new block comes first in the old one's place.
      origins = [null, null, ...origins.slice(0, 2), ...origins.slice(4)];
    }
    const plan = planGrowth(before.architecture, to, origins);
    const found = compareByPlace(machine, before, after, plan, origins, 1);
    for (const model of [before, after]) model.close();
    return found.largest / found.scale;
  };
  it("the same activations come out of both networks", async () => {
    expect(await compare(false)).toBeLessThan(1e-6);
  });
  it.each([
    ["mistral", "BF16"],
    ["qwen2", "F16"],
  ] as const)("%s, whose numbers are rounded to %s", async (name, type) => {
    const steps = [settings({ headWidth: 12 }), width(24)];
    const made = await grow(name, steps);
    const { proof } = made;
    if (proof.kind !== "network" || proof.unrounded === null) throw new Error("nothing was rounded");
    expect(proof.unrounded.largest).toBeLessThan(1e-6 * proof.unrounded.scale);
    expect(proof.float32.largest).toBeGreaterThan(1e-5 * proof.float32.scale);
    const [before, after] = [openPublicModel(fixture(name)), openPublicModel(made.folder)];
    const origins = [0, 1, 2, 3];
    const found = compareByPlace(
      machine,
      before,
      after,
      planGrowth(before.architecture, after.architecture, origins),
      origins,
      1,
    );
    for (const model of [before, after]) model.close();
    expect(found.largest).toBeGreaterThan(1e-5 * found.scale);
    expect(found.largest).toBeLessThan(placeBound(type) * found.scale);
  });
  it("and others of another network", async () => {
    expect(await compare(true)).toBeGreaterThan(1e-3);
  });
});

describe("on data of the user's", () => {
  const book = join(mkdtempSync(join(tmpdir(), "scantling-hub-")), "book.txt");
  writeFileSync(book, "abcd bcda cdab dabc ".repeat(20));
  it("both networks compute the same", async () => {
    const { proof } = await grow("gpt2", all.gpt2, { data: book, tokenizer: "characters" });
    expect(proof.data).toMatchObject({ kind: "network" });
    expect(proof.data!.float32.largest).toBeLessThan(1e-5 * proof.data!.float32.scale);
    expect(proof.data!.float32.scale).not.toBe(proof.float32.scale);
    expect((await grow("gpt2", all.gpt2)).proof.data).toBeNull();
  });
  it("what they do not share is found, and nothing is written", async () => {
    const out = newFolder();
    // The fourth comparison in float32 is that of the data's grown network.
    let loads = 0;
    const wrong: Machine = {
      ...machine,
      load(program) {
        const made = machine.load(program);
        const fourth = ++loads === 4;
        const runSync = (store: Store) => {
          made.runSync(store);
          if (fourth) store.read("logits")[0]! += 1;
        };
        return { ...made, runSync };
      },
    };
    const given = { out, machine: wrong, data: book, tokenizer: "characters" };
    await expect(grow("gpt2", all.gpt2, given)).rejects.toThrow(
      /gpt2: grown, on .*book\.txt, its logits differ by/,
    );
    expect(readdirSync(dirname(out))).toEqual([]);
  });
  it("place by place, inputs that are given are those that are compared", async () => {
    const made = await grow("llama", [width(16)]);
    const [before, after] = [openPublicModel(fixture("llama")), openPublicModel(made.folder)];
    const { to, origins } = stepTarget(before.architecture, width(16));
    const plan = planGrowth(before.architecture, to, origins);
    const compare = (tokens: number[]) => compareByPlace(machine, before, after, plan, origins, tokens);
    const [some, others] = [compare([1, 2, 3]), compare([3, 1])];
    for (const { largest, scale } of [some, others]) expect(largest).toBeLessThan(1e-6 * scale);
    expect(some.scale).not.toBe(others.scale);
    for (const model of [before, after]) model.close();
  });
});

it("a number that is further off than rounding moves it is noticed", () => {
  const step = stepTarget(small.architecture, settings({ headWidth: 6 }));
  const plan = planGrowth(small.architecture, step.to, step.origins);
  const { values } = growNetwork(plan, small.values, 1);
  const times = (factor: number) =>
    Object.fromEntries(
      Object.entries(values).map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((value) => value * factor) },
      ]),
    );
  expect(() => unroundedValues(plan, small.values, times(1 + 2 ** -9), () => "BF16")).not.toThrow();
  expect(() => unroundedValues(plan, small.values, times(1 + 2 ** -9), () => "F16")).toThrow(
    /^grow: number \d+ of .* was written as .*; expected .*, rounded, nothing is written$/,
  );
});

describe("what is written", () => {
  it("keeps unknown keys and corrects the others", async () => {
    const made = await grow("gpt2", all.gpt2);
    expect(configOf(made.folder)).toEqual({
      ...configOf(fixture("gpt2")),
      ...{
        n_embd: 16,
        n_head: 4,
        n_inner: 40,
        n_layer: 3,
        layer_norm_epsilon: 5e-6,
        tie_word_embeddings: true,
      },
    });
    expect(made.ties.join()).toMatch(/4 heads of 4 instead of 2.*n_inner is written: 40/);
  });
  it("has no new units that are equal, and other ones with another seed", async () => {
    const rows = async (seed: number) => {
      const model = openPublicModel((await grow("llama", [settings({ feedforward: 20 })], { seed })).folder);
      const up = model.tensors.find(({ name }) => name.includes("0.mlp.up_proj"))!;
      const values = readParameters(up).get(up.parts[0]!)!;
      model.close();
      return Array.from({ length: 20 }, (_, column) => values.filter((__, i) => i % 20 === column).join());
    };
    const [first, again, other] = [await rows(1), await rows(1), await rows(2)];
    expect(new Set(first).size).toBe(20);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
  it("takes small files along, and no others", async () => {
    const folder = copyOf("gpt2");
    writeFileSync(join(folder, "tokenizer.json"), "{}");
    writeFileSync(join(folder, "pytorch_model.bin"), "x");
    const { folder: made } = await grow("gpt2", all.gpt2, { folder });
    expect(readdirSync(made).sort()).toEqual([
      "config.json",
      "expected.json",
      "model.safetensors",
      "tokenizer.json",
    ]);
  });
});

describe("nothing is left where it is refused", () => {
  const refusals: [string, string, GrowthStep[], RegExp][] = [
    ["a smaller size", "llama", [settings({ feedforward: 8 })], /^grow: .*feedforward 12 cannot become 8/],
    [
      "heads beside the width",
      "gpt2",
      [settings({ heads: 3 })],
      /^grow: gpt2 has width = heads × head size.*width of 12/,
    ],
    ["a width that no heads fill", "vit", [width(9)], /^grow: vit has width = heads × head size/],
    [
      "sizes of one block alone",
      "gpt2",
      [{ ...settings({ feedforward: 40 }), blocks: [0] } as GrowthStep],
      /its blocks differ/,
    ],
  ];
  for (const [what, name, steps, message] of refusals) {
    it(what, async () => {
      const out = newFolder();
      await expect(grow(name, steps, { out })).rejects.toThrow(message);
      expect(readdirSync(dirname(out))).toEqual([]);
    });
  }
  const spoiled: [string, string, (folder: string) => void, RegExp][] = [
    [
      "an index that names a missing shard",
      "llama",
      (f) => rmSync(join(f, "model-00002-of-00003.safetensors")),
      /which is missing; get the folder again$/,
    ],
    [
      "numbers of another format",
      "gpt2",
      (f) => editHeader(f, (text) => text.replaceAll('"F32"', '"I32"')),
      /is I32; expected F32, F16, BF16; get the folder again$/,
    ],
    [
      "a tensor of another name",
      "gpt2",
      (f) => editHeader(f, (text) => text.replace("ln_f.bias", "ln_g.bias")),
      /ln_[fg]\.bias/,
    ],
  ];
  for (const [what, name, spoil, message] of spoiled) {
    it(what, async () => {
      const [folder, out] = [copyOf(name), newFolder()];
      spoil(folder);
      const growing = grow(name, [width(16)], { folder, out });
      await expect(growing).rejects.toThrow(message);
      await expect(growing).rejects.toThrow(/^[^\n]+$/);
      expect(readdirSync(dirname(out))).toEqual([]);
    });
  }
  it("a folder that holds something", async () => {
    const out = newFolder();
    mkdirSync(out);
    writeFileSync(join(out, "mine.txt"), "");
    await expect(grow("gpt2", all.gpt2, { out, force: true })).rejects.toThrow(/already holds something/);
  });
  it("a signal half-way", async () => {
    const out = newFolder();
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(grow("gpt2", all.gpt2, { out, signal })).rejects.toThrow("stopped");
    expect(readdirSync(dirname(out))).toEqual([]);
  });
  it("a proof that fails", async () => {
    const out = newFolder();
    let loads = 0;
    const wrong: Machine = {
      ...machine,
      load(program) {
        const second = ++loads === 2;
        const made = machine.load(program);
        const runSync = (store: Store) => {
          made.runSync(store);
          if (second) store.read("logits")[0]! += 1;
        };
        return { ...made, runSync };
      },
    };
    await expect(grow("gpt2", all.gpt2, { out, machine: wrong })).rejects.toThrow(
      /grown, its logits differ by .* in float32.*; expected .* nothing is written$/,
    );
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(dirname(out))).toEqual([]);
  });
});
