// YAML from elsewhere: what it means, and that nothing in it takes long, much or more than one line to refuse.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { parseYaml } from "../../src/architecture/read.ts";
import { own } from "../../src/architecture/schema.ts";
import { primitives } from "../../src/nn/primitives.ts";

test("is read by the core schema", () => {
  expect(parseYaml("width: 12 # features\nstripe: [attention, gelu]\ntie: true\nwindow: null\n")).toEqual({
    width: 12,
    stripe: ["attention", "gelu"],
    tie: true,
    window: null,
  });
  expect(parseYaml("&a {heads: 3}")).toEqual({ heads: 3 });
  // Not a boolean since YAML 1.2, and no merging of keys.
  expect(parseYaml("tie: yes")).toEqual({ tie: "yes" });
  expect(parseYaml("x: &x {heads: 3}\n<<: *x")).toMatchObject({ "<<": { heads: 3 } });
});

test("the file and the patterns of docs/architectures.md are what it says", () => {
  const page = readFileSync(new URL("../../docs/architectures.md", import.meta.url), "utf8");
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)![1]!;
  expect(defineArchitecture(parseYaml(yaml)).repeat).toBe(3);
  const patterns = [...page.matchAll(/^\| `(\[.*?|attention\(.*?)` +\|/gm)].map(([, text]) =>
    text!.replaceAll("\\|", "|"),
  );
  expect(patterns.length).toBe(5);
  for (const stripe of patterns) defineArchitecture({ vocabulary: 9, length: 64, width: 64, stripe });
  const keys = [...page.split("## Patterns")[0]!.matchAll(/`([a-zA-Z]+)`/g)].map(([, key]) => key!);
  for (const key of Object.keys(own)) expect(keys).toContain(key);
});

test("the primitives of docs/architectures.md are those there are", () => {
  const page = readFileSync(new URL("../../docs/architectures.md", import.meta.url), "utf8");
  const rows = page
    .split("## Primitives")[1]!
    .split("## Parameter sources")[0]!
    .matchAll(/^\| (`.*?) +\|/gm);
  const named = [...rows].flatMap(([, names]) => names!.replaceAll("`", "").split(", "));
  expect(named.sort()).toEqual([...primitives.keys()].sort());
});

test("means no more than its text", () => {
  const value = parseYaml("__proto__: {polluted: 1}\n");
  expect(({} as { polluted?: number }).polluted).toBe(undefined);
  expect(Object.keys(value as object)).toEqual(["__proto__"]);
});

describe("hostile text ends soon, in one line", () => {
  const many = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i));
  test.each([
    ["brackets", "[".repeat(65_000)],
    ["braces", "{a: ".repeat(13_000)],
    ["indents", many(300, (i) => `${" ".repeat(i)}a:`).join("\n")],
    ["dashes", "- ".repeat(30_000)],
    ["question marks", "? ".repeat(30_000)],
    ["keys", many(6000, (i) => `k${i}: 1`).join("\n")],
    ["the same key", many(13_000, () => "a: 1").join("\n")],
    ["anchors", many(2000, (i) => `k${i}: &a${i} 1`).join("\n")],
    ["aliases", ["a: &a [1, 2]", ...many(2000, (i) => `k${i}: *a`)].join("\n")],
  ])("%s", (_, text) => {
    const start = performance.now();
    try {
      parseYaml(text);
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError);
      expect((error as Error).message).not.toContain("\n");
      expect((error as Error).message.length).toBeLessThan(200);
    }
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  test("whatever it is", () => {
    const pieces = fc.constantFrom(
      "a",
      ": ",
      "- ",
      "\n",
      "  ",
      "[",
      "]",
      "{",
      "}",
      "&x ",
      "*x",
      "!t ",
      "|",
      ">",
      '"',
      "'",
      "?",
      "#",
      "\t",
      "1",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join("")),
        ),
        (text) => {
          try {
            parseYaml(text);
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxError);
            expect((error as Error).message).not.toContain("\n");
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
