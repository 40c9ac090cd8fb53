// Whatever is wrong with a setting of a primitive is one short line that names the place, the primitive's or the setting's.
import { describe, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { primitives } from "../../src/nn/primitives.ts";

const surroundings = { width: 64, length: 32, standardDeviation: 0.02 };

function refusal(name: string, settings: unknown): string {
  try {
    primitives.get(name)!.configure("stripe[3]", settings, surroundings);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    return (error as RequestError).message;
  }
  throw new Error(`${name} took ${JSON.stringify(settings)}`);
}

describe.each([...primitives])("%s", (name, { keys }) => {
  test.skipIf(keys.length === 0)("names the setting", () => {
    for (const key of keys) {
      for (const value of [-1, "x", {}, [1], Number.NaN, "long ".repeat(99)]) {
        const message = refusal(name, { [key]: value });
        expect(message).toMatch(new RegExp(`^stripe\\[3\\]: ${key}(\\.\\w+)? is .*; expected .+`));
        expect(message).not.toContain("\n");
        expect(message.length).toBeLessThan(300);
      }
    }
  });

  test.skipIf(keys.length === 0)("names the setting that a mistyped one was meant to be", () => {
    for (const key of keys) expect(refusal(name, { [`${key}s`]: 1 })).toContain(`did you mean "${key}"?`);
  });
});

const divided = ["relative-attention", "linear-attention", "retnet", "delta-net", "gated-linear-attention"];
test.each([...divided, "attention", "rwkv5-time", "rwkv6-time", "mh-hyena"])(
  "%s: heads that do not divide the width, and which would",
  (name) => {
    expect(refusal(name, { heads: 5 })).toMatch(
      /^stripe\[3\]: (valueW|w)idth 64 is not divisible by heads 5; expected a divisor of \w+, such as 4$/,
    );
  },
);
