import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineArchitecture } from "../src/architecture/architecture.ts";
import { RequestError } from "../src/errors.ts";
import { nearest } from "../src/nearest.ts";
import { parseStrict, show, wholeNumber } from "../src/strict.ts";
import { defineTraining } from "../src/train/settings.ts";

test("a short value is shown as JSON, a long one is cut", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.stringify(value);
      fc.pre(!json.includes("-0") && !/\d{21}|e/.test(json));
      expect(show(value)).toBe(json.length > 60 ? `${json.slice(0, 57)}...` : json);
    }),
    { seed: 1, numRuns: 500 },
  );
  expect(show(undefined)).toBe("undefined");
  expect(show(Number.NaN)).toBe("NaN");
});

test("what has no JSON is shown, too", () => {
  const circle: unknown[] = [1];
  circle.push(circle);
  expect(show(circle)).toBe(`${"[1,".repeat(19)}...`);
  let deep: unknown = 0;
  for (let i = 0; i < 1e5; i++) deep = { a: deep };
  expect(show(deep)).toHaveLength(60);
  expect(show(2n)).toBe("2");
  expect(show("x".repeat(1e7))).toHaveLength(60);
});

test("a name of any length is compared at once, and cut in the message", () => {
  const long = "x".repeat(1e7);
  expect(nearest(long, ["width", "length"])).toBeNull();
  expect(nearest("witdh", ["width", "length"])).toBe("width");
  const refused = () => parseStrict("it", z.object({ width: wholeNumber().optional() }), { [long]: 1 });
  expect(refused).toThrow(RequestError);
  expect(refused).toThrow(/^it: unknown key "x{56}\.\.\.; expected one of width$/);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  [
    "a width that no loop should count to",
    { width: 2 ** 53 - 1, heads: 2 },
    /width is \d+; expected .* at most/,
  ],
  ["heads of which a wide model has no multiple", { width: 2 ** 31 - 1, heads: 3 }, /such as 1$/],
  ["more layers than can be planned", { layers: 20_000 }, /has 40000 primitives; expected at most 10000/],
  ["a stripe without end", { stripe: Array(10_001).fill("attention") }, /at most 10000 primitives/],
  [
    "a primitive that cannot be made text",
    { stripe: [{ primitive: { toString: 1 } }] },
    /is {"toString":1}; exp/,
  ],
  ["a key of every object", JSON.parse('{"__proto__":{"width":8}}'), /unknown key "__proto__"/],
  ["a primitive of every object", { stripe: ["constructor"] }, /is "constructor"; expected one of attention/],
])("%s is refused at once", (_, settings, message) => {
  const begin = performance.now();
  const refused = () => defineArchitecture({ vocabulary: 8, length: 8, width: 64, ...settings });
  expect(refused).toThrow(RequestError);
  expect(refused).toThrow(message);
  expect(performance.now() - begin).toBeLessThan(2000);
});

test("training settings beyond what is counted with are refused", () => {
  expect(() => defineTraining({ batch: 2 ** 31 })).toThrow(
    /batch is 2147483648; expected .* at most 2147483647/,
  );
  expect(() => defineTraining({ steps: 1e300 })).toThrow(RequestError);
  expect(defineTraining({ seed: Number.MAX_SAFE_INTEGER }).seed).toBe(Number.MAX_SAFE_INTEGER);
});
