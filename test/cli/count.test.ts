// `scantling count`: its document, its text, and what it refuses.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { refusal, scantling } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "scantling-count-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test("one JSON document, with exactly these keys", async () => {
  const { exitCode, out, err } = await scantling(["count", "gpt2", "--json"]);
  expect(exitCode).toBe(0);
  expect(err).toBe("");
  const counted = JSON.parse(out);
  expect(Object.keys(counted)).toEqual([
    "parameters",
    "flopsPerToken",
    "stateElements",
    "activationBytes",
    "kvCacheBytes",
  ]);
  expect(Object.keys(counted.parameters)).toEqual([
    "total",
    "nonEmbedding",
    "embedding",
    "active",
    "weights",
    "biases",
    "byModule",
  ]);
  expect(Object.keys(counted.flopsPerToken)).toEqual(["forward", "training", "sixN", "kaplan", "chinchilla"]);
  expect(Object.keys(counted.stateElements)).toEqual(["kept", "mad", "byLayer"]);
  expect(counted.parameters.total).toBe(124_439_808);
});

test("a JSON file and a YAML file of the same settings count the same; so does the text", async () => {
  const json = file(
    "small.json",
    '{"vocabulary": 65, "length": 64, "width": 48, "stripe": ["attention(heads: 3)", "swiglu"], "repeat": 2}',
  );
  const yaml = file(
    "small.yaml",
    "# a small decoder\nvocabulary: 65\nlength: 64\nwidth: 48\nstripe: '[attention(heads: 3), swiglu] × 2'\n",
  );
  const [first, second] = await Promise.all([json, yaml].map((path) => scantling(["count", path, "--json"])));
  expect(first!.exitCode).toBe(0);
  expect(second!.out).toBe(first!.out);
  const text = await scantling(["count", yaml, "--length", "32"]);
  expect(text.out).toContain("[attention(heads: 3), swiglu] × 2");
  expect(text.out).toContain(JSON.parse(first!.out).parameters.total.toLocaleString("en-US"));
  expect(text.out).toContain("at length 32");
});

describe("refused in one line", () => {
  const base = '"vocabulary": 65, "length": 64, "width": 48';
  test.each([
    [[], "no architecture; expected a .json or .yaml file, or one of gpt2, gpt2-medium"],
    [["lama-7b"], 'architecture "lama-7b" is neither a preset nor a file; did you mean llama-7b?'],
    [["gpt2", "--length", "2048"], "length 2048 is beyond the 1024 positions the architecture learns"],
    [[join(folder, "none.yaml")], "there is no such file; expected a JSON or YAML file"],
    [[folder], "it is a folder"],
    [[file("key.json", `{${base}, "widht": 3}`)], 'unknown key "widht"; did you mean "width"?'],
    [[file("name.json", `{${base}, "stripe": ["atention"]}`)], "did you mean attention?"],
    [[file("heads.json", `{${base}, "heads": 5}`)], "width 48 is not divisible by heads 5"],
    [
      [file("even.json", `{${base}, "stripe": "[gelu | attention 1/4 at 2, swiglu] × 10"}`)],
      "never fits evenly into 10; expected a multiple of 4, such as 8 or 12",
    ],
    [[file("list.yaml", "- 1\n- 2\n")], "expected an object of settings"],
    [[file("broken.yaml", "width: [1, 2\nlength: 3")], "it is not YAML"],
    [[file("twice.yaml", "width: 1\nwidth: 2\n")], 'it has the key "width" twice'],
    [[file("deep.yaml", "[".repeat(5000))], "it is nested more than 64 deep"],
    [[file("tag.yaml", "width: !!js/function x\n")], "it is not YAML"],
    [
      [
        file(
          "bomb.yaml",
          `a: &a [1,1,1,1,1,1,1,1,1]\n${[..."bcdefghij"]
            .map((k, i) => `${k}: &${k} [${Array(9).fill(`*${"abcdefghi"[i]}`).join(",")}]`)
            .join("\n")}\n`,
        ),
      ],
      "aliases that stand for too much",
    ],
  ])("%j", async (words, message) => {
    const { exitCode, err } = await refusal(["count", ...words]);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });
});

test("blocks that share are told apart from those they share with", async () => {
  const path = file(
    "shared.yaml",
    "vocabulary: 10\nlength: 8\nwidth: 16\nstripe: '[gelu] × 4'\nshare: { period: 3 }\nnorm: rms\n",
  );
  const { out } = await scantling(["count", path]);
  expect(out).toContain("\nparameters through share(period: 3, norms: individual)\n");
  expect(out).toMatch(/^ {2}block\.0\.gelu +2,064 {2}× 3$/m);
  expect(out).toMatch(/^ {2}block\.3\.gelu +16$/m);
});
