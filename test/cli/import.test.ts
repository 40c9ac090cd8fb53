// Public folders on the command line: made into runs, grown, and written again.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { png } from "../data/images/files.ts";
import { copyOf, differenceFrom, fixture } from "../hub/harness.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string) => join(folder.path, name);
const backend = ["--backend", "reference"];

beforeAll(() => {
  writeFileSync(at("book.txt"), "abcd bcda cdab dabc ".repeat(20));
});

test("a folder becomes a run that is evaluated, sampled, exported and trained on", async () => {
  const text = ["--data", at("book.txt"), "--tokenizer", "characters", "--steps", "2", "--batch", "2"];
  for (const name of ["gpt2"]) {
    const made = await scantling(["import", fixture(name), ...text, "--out", at(name), "--json"]);
    expect(made.err).toBe("");
    expect(JSON.parse(made.out)).toMatchObject({ layout: name, folder: at(name) });
    for (const command of [
      ["evaluate", at(name), ...backend],
      ["sample", at(name), "--tokens", "5", ...backend],
      ["export", at(name), "--to", "safetensors"],
      ["train", "--resume", at(name), "--sample-tokens", "0", ...backend],
    ]) {
      expect((await scantling(command)).exitCode, command[0]).toBe(0);
    }
  }
});

test("a folder is grown, and a run of it is exported as what it came from", async () => {
  const words = ["grow", fixture("llama"), "--mlp", "20", "--width", "16", "--layers", "+1@last", ...backend];
  const grown = await scantling([...words, "--out", at("larger")]);
  expect(grown.exitCode).toBe(0);
  expect(grown.out).toMatch(/^norm\.scale: \[8\] → \[16\]; 8 of 16 are new, old ones times 0\.707107$/m);
  expect(grown.out).toMatch(/^head_dim is written: 4, where hidden_size \/ num_attention_heads is 8$/m);
  expect(grown.out).toMatch(
    /^largest \|Δ logit\| on random tokens in float32, with the numbers that are written: \S+, of numbers up to \S+$/m,
  );
  expect(await refused([...words, "--out", at("larger")])).toMatch(/already holds something; .* --force/);
  const own = ["--data", at("book.txt"), "--tokenizer", "characters"];
  const onData = await scantling([...words, ...own, "--out", at("larger"), "--force"]);
  expect(onData.err).toBe("");
  expect(onData.out).toMatch(/^largest \|Δ logit\| on the data in float64: \S+e-1[5-9], of numbers/m);
  expect(onData.out).toMatch(/^largest \|Δ logit\| on the data in float32, with the numbers/m);
  expect(await refused([...words, "--data", at("book.txt"), "--out", at("y")])).toMatch(
    /has no tokenizer\.json; give --tokenizer FILE, or bytes$/,
  );
  expect(await refused([...words, "--tokenizer", "bytes", "--out", at("y")])).toMatch(/but no data/);
  const text = ["--data", at("book.txt"), "--tokenizer", "characters"];
  expect((await scantling(["import", at("larger"), ...text, "--out", at("run")])).exitCode).toBe(0);
  const exported = ["export", at("run"), "--to", "huggingface", "--out", at("public")];
  expect((await scantling(exported)).out).toMatch(/public: llama, .* parameters after step 0/);
  expect(differenceFrom(at("public"), "llama")).toBeLessThan(1e-5);
  expect(await refused([...exported, "--force", "--layout", "gpt2"])).toMatch(
    /layout gpt2 has nothing for this network/,
  );
  expect(await refused([...exported, "--force", "--layout", "bert"])).toMatch(
    /layout is "bert"; expected one of/,
  );
});

test("a ViT becomes a run that sees images", async () => {
  const images = temporaryFolder();
  for (let label = 0; label < 5; label++) {
    mkdirSync(join(images.path, String(label)));
    for (let i = 0; i < 6; i++)
      writeFileSync(join(images.path, String(label), `${i}.png`), picture(40 * label + i));
  }
  const words = [
    "import",
    fixture("vit"),
    "--data",
    images.path,
    "--steps",
    "2",
    "--batch",
    "5",
    "--out",
    at("vit"),
  ];
  expect((await scantling(words)).err).toBe("");
  expect((await scantling(["evaluate", at("vit"), ...backend])).exitCode).toBe(0);
  expect(
    (await scantling(["train", "--resume", at("vit"), "--sample-tokens", "0", ...backend])).exitCode,
  ).toBe(0);
  expect((await scantling(["export", at("vit"), "--to", "huggingface"])).out).toMatch(/: vit, /);
  images.remove();
});

/** 6 by 6 pixels in three colours. */
const picture = (shade: number): Buffer =>
  png(
    6,
    6,
    Array.from({ length: 6 }, (_, y) =>
      Uint8Array.from({ length: 18 }, (__, x) => (shade + 7 * x * y) % 256),
    ),
    { colourType: 2 },
  );

const refused = async (words: string[]) => (await refusal(words)).err;

test("a wrong request is one line", async () => {
  const words = (from: string, ...more: string[]) => [
    "import",
    from,
    "--data",
    at("book.txt"),
    "--out",
    at("no"),
    ...more,
  ];
  expect(await refused(words(fixture("gpt2")))).toMatch(
    /has no tokenizer\.json; give --tokenizer FILE, or bytes/,
  );
  expect(await refused(words(fixture("gpt2"), "--tokenizer", "bytes"))).toMatch(
    /has 256 tokens and the network 13/,
  );
  expect(await refused(words(fixture("gpt2"), "--tokenizer", "bytes", "--length", "4"))).toMatch(
    /learned positions/,
  );
  const pickled = copyOf("gpt2");
  rmSync(join(pickled, "model.safetensors"));
  writeFileSync(join(pickled, "pytorch_model.bin"), "");
  expect(await refused(words(pickled))).toMatch(/pytorch_model\.bin, a pickle, .*; convert it/);
});
