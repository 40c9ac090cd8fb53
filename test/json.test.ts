import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../src/json.ts";

test("what JSON.parse reads is read, whatever is in its texts", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
    { seed: 1, numRuns: 300 },
  );
  expect(parseJson('{"a\\\\":{"\\"":["}",{"a\\\\":1}]},"b":"{\\"b\\":[["}')).toEqual({
    "a\\": { '"': ["}", { "a\\": 1 }] },
    b: '{"b":[[',
  });
});

describe("refused", () => {
  test.each([
    ["", /^it is not JSON \(/],
    ["{'a': 1}", /^it is not JSON \(/],
    ['{"a":1,"b":{"a":2},"a":3}', /^it has the key "a" twice$/],
    ['{"a":1,"\\u0061":2}', /^it has the key "\\u0061" twice$/],
    ['[{"__proto__":1,"__proto__":2}]', /^it has the key "__proto__" twice$/],
    [`{"${"k".repeat(1000)}":1,"${"k".repeat(1000)}":1}`, /^it has the key "k{56}\.\.\. twice$/],
    ["[".repeat(65) + "]".repeat(65), /^it is nested more than 64 deep$/],
    [`${'{"a":'.repeat(1e6)}1${"}".repeat(1e6)}`, /^it is nested more than 64 deep$/],
  ])("%.40s", (text, message) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
    expect(() => parseJson(text)).toThrow(message);
  });

  test("64 deep is not too deep", () => {
    expect(JSON.stringify(parseJson("[".repeat(64) + "]".repeat(64)))).toHaveLength(128);
  });
});
