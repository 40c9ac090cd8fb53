import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openPublicModel } from "../../src/hub/model.ts";
import { copyOf, fixture } from "./harness.ts";

const jsonOf = (path: string) => JSON.parse(readFileSync(path, "utf8"));

/** Changes what a JSON file of a folder says. */
function edit(folder: string, name: string, change: (value: Record<string, unknown>) => void): void {
  const value = jsonOf(join(folder, name));
  change(value);
  writeFileSync(join(folder, name), JSON.stringify(value));
}

/** Changes the header of a safetensors file; its length stays when padded. */
function editHeader(path: string, change: (header: Record<string, Record<string, unknown>>) => void): void {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length));
  change(header);
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([size, text, file.subarray(8 + length)]));
}

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const SHARD = "model-00002-of-00003.safetensors";

describe("a folder that is not what it says is refused in one line", () => {
  const config = (change: Record<string, unknown>) => (folder: string) =>
    edit(folder, "config.json", (value) => Object.assign(value, change));
  const header =
    (change: (header: Record<string, Record<string, unknown>>) => void, file = WEIGHTS) =>
    (folder: string) =>
      editHeader(join(folder, file), change);
  const map = (change: (map: Record<string, string>) => void) => (folder: string) =>
    edit(folder, INDEX, (value) => change(value.weight_map as Record<string, string>));
  const wte = "transformer.wte.weight";
  const cases: [string, string, (folder: string) => void, RegExp][] = [
    ["no configuration", "gpt2", (f) => rmSync(join(f, "config.json")), /has no config\.json/],
    [
      "another kind of network",
      "gpt2",
      config({ model_type: "bert" }),
      /model_type is "bert"; expected one of gpt2, /,
    ],
    ["without its head", "gpt2", config({ architectures: ["GPT2Model"] }), /expected GPT2LMHeadModel/],
    [
      "a setting nobody has",
      "llama",
      config({ rope_scaling: { type: "yarn" } }),
      /rope_scaling is .*; expected null, or/,
    ],
    ["sizes that do not fit", "gpt2", config({ n_embd: 9 }), /width 9 is not divisible|n_embd|heads/],
    [
      "another size than the tensors",
      "gpt2",
      config({ n_positions: 11 }),
      /wpe\.weight is \[12,8\]; expected \[11,8\]/,
    ],
    [
      "a key of the wrong kind",
      "vit",
      config({ hidden_size: "8" }),
      /hidden_size is "8"; expected a whole number/,
    ],
    ["no weights", "gpt2", (f) => rmSync(join(f, WEIGHTS)), /has neither model\.safetensors nor/],
    [
      "a header beyond the file",
      "gpt2",
      (f) => writeFileSync(join(f, WEIGHTS), Buffer.alloc(64, 255)),
      /header claims/,
    ],
    [
      "a file cut short",
      "gpt2",
      (f) => writeFileSync(join(f, WEIGHTS), readFileSync(join(fixture("gpt2"), WEIGHTS)).subarray(0, -4)),
      /cut short/,
    ],
    [
      "overlapping tensors",
      "gpt2",
      header((h) => Object.assign(h[wte]!, { data_offsets: [4, 420] })),
      /expected it to begin at 0/,
    ],
    [
      "a missing tensor",
      "qwen2",
      header((h) => Object.assign(h, { lost: h["model.norm.weight"], "model.norm.weight": undefined })),
      /model\.norm\.weight is missing/,
    ],
    [
      "a tensor too many",
      "gpt2",
      header((h) => Object.assign(h, { more: { dtype: "F32", shape: [0], data_offsets: [416, 416] } })),
      /no tensor "more"/,
    ],
    [
      "whole numbers",
      "mistral",
      header((h) => Object.assign(h["model.norm.weight"]!, { dtype: "I16" })),
      /is I16; expected F32, F16, BF16/,
    ],
    [
      "a missing shard",
      "llama",
      (f) => rmSync(join(f, SHARD)),
      /names model-00002-of-00003\.safetensors, which is missing/,
    ],
    [
      "a shard outside",
      "llama",
      map((m) => Object.assign(m, { "model.norm.weight": "../x.safetensors" })),
      /expected a \.safetensors file in the folder/,
    ],
    [
      "a tensor in another shard",
      "llama",
      map((m) => Object.assign(m, { "model.norm.weight": SHARD })),
      /model\.norm\.weight/,
    ],
    [
      "a shard in place of another",
      "llama",
      (f) => copyFileSync(join(f, "model-00001-of-00003.safetensors"), join(f, SHARD)),
      /says is in/,
    ],
  ];
  for (const [what, name, spoil, message] of cases) {
    it(what, () => {
      const folder = copyOf(name);
      spoil(folder);
      const open = () => openPublicModel(folder);
      expect(open).toThrow(message);
      expect(open).toThrow(/^[^\n]+$/);
    });
  }
});

it("names without the prefix, buffers and a second head are as good", () => {
  const folder = copyOf("gpt2");
  editHeader(join(folder, WEIGHTS), (header) => {
    for (const name of Object.keys(header).filter((name) => name.startsWith("transformer."))) {
      header[name.slice("transformer.".length)] = header[name]!;
      delete header[name];
    }
    header["h.0.attn.masked_bias"] = { dtype: "F32", shape: [0], data_offsets: [416, 416] };
  });
  const model = openPublicModel(folder);
  expect(model.hasPrefix).toBe(false);
  model.close();
});
