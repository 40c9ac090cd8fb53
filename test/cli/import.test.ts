// Public folders on the command line: made into runs, grown, and written again.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyOf, fixture } from "../hub/harness.ts";
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
      ["train", "--resume", at(name), ...backend],
    ]) {
      expect((await scantling(command)).exitCode, command[0]).toBe(0);
    }
  }
});

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
