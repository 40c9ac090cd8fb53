// The pattern language of stripes: what patterns mean, that they are printed back, and what is refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Architecture, defineArchitecture } from "../../src/architecture/architecture.ts";
import { blocksOf, printStripe } from "../../src/architecture/stripe.ts";
import { RequestError } from "../../src/errors.ts";
import { primitives } from "../../src/nn/primitives.ts";

const base = { vocabulary: 10, length: 8, width: 12, heads: 3 };
const define = (stripe: unknown, others = {}): Architecture => {
  const hasHeads = JSON.stringify(stripe).includes("attention");
  const { heads, ...rest } = base;
  return defineArchitecture({ ...rest, ...(hasHeads ? { heads } : {}), stripe, ...others });
};
const namesOf = (entries: Architecture["stripe"]) => entries.map(({ primitive }) => primitive).join(" ");

describe("a pattern means", () => {
  test.each([
    ["attention", "", "attention", 1, ""],
    ["[attention, gelu]", "", "attention gelu", 1, ""],
    ["[attention, gelu] × 3", "", "attention gelu", 3, ""],
    ["[ attention,gelu ]x3", "", "attention gelu", 3, ""],
    ["relu x2 + attention(heads: 3)x4", "relu relu", "attention", 4, ""],
    ["[attention, gelu] * 3", "", "attention gelu", 3, ""],
    ["attention + [relu, gelu] × 2 + swiglu", "attention", "relu gelu", 2, "swiglu"],
    ["attention × 2 + [relu, gelu] × 5", "attention attention", "relu gelu", 5, ""],
    ["[[relu, gelu] × 2, swiglu] × 3", "", "relu gelu relu gelu swiglu", 3, ""],
    ["[gelu | attention 1/3] × 6", "", "gelu gelu attention", 2, ""],
    ["[gelu | attention 1/3 at 1, relu] × 3", "", "attention relu gelu relu gelu relu", 1, ""],
    [
      "[gelu | attention 1/2 at 1, relu | swiglu 1/4 at 3] × 4",
      "",
      "attention relu gelu relu attention swiglu gelu relu",
      1,
      "",
    ],
    ["[gelu | attention 1/4]", "", "gelu gelu gelu attention", 1, ""],
  ])("%s", (pattern, first, stripe, repeat, last) => {
    const architecture = define(pattern);
    expect(namesOf(architecture.first)).toBe(first);
    expect(namesOf(architecture.stripe)).toBe(stripe);
    expect(architecture.repeat).toBe(repeat);
    expect(namesOf(architecture.last)).toBe(last);
  });

  test.each([
    ["[relu, gelu, relu, relu]", "relu gelu relu2 relu3"],
    ["[mamba, mamba, mamba2]", "mamba mamba3 mamba2"],
    ["[mamba2, mamba, mamba, mamba2]", "mamba2 mamba mamba3 mamba22"],
  ])("%s has places of different names", (pattern, names) => {
    const [block] = blocksOf(define(pattern, { width: 16 }));
    expect(block!.places.map(({ name }) => name).join(" ")).toBe(names);
  });

  test("settings of one place", () => {
    const { stripe } = define(
      "[attention(window: 4, heads: 6), attention(causal: false), gelu(bias: true)] × 2",
    );
    expect(stripe).toMatchObject([
      { heads: 6, window: 4, causal: true },
      { heads: 3, window: null, causal: false },
      { bias: true },
    ]);
  });

  test("the same as the list of a file, whose repetitions stand beside it", () => {
    const list = ["attention(window: 4)", { primitive: "gelu", bias: true }, "swiglu | relu 1/2"];
    expect(define(list, { repeat: 4 })).toEqual(
      define("[attention(window: 4), gelu(bias: true), swiglu | relu 1/2] × 4"),
    );
    expect(define("[attention, gelu]", { layers: 4 })).toEqual(define("[attention, gelu] × 4"));
  });
});

test("first and last layers are blocks of their own, with parameters of their own", () => {
  const paths = blocksOf(define("[attention, gelu] + gelu × 2 + [relu, relu]")).map(({ path, places }) =>
    places.map(({ name }) => `${path}.${name}`).join(" "),
  );
  expect(paths).toEqual([
    "first.attention first.gelu",
    "block.0.gelu",
    "block.1.gelu",
    "last.relu last.relu2",
  ]);
});

describe("printed", () => {
  test.each([
    ["[attention,gelu]x1", "[attention, gelu]"],
    [
      "[attention(heads: 6, kvHeads: 2), gelu(feedforward: 48)] × 3",
      "[attention(heads: 6, kvHeads: 2), gelu] × 3",
    ],
    ["[gelu | attention 1/3 at 1] × 6", "[attention, gelu, gelu] × 2"],
    ["[gelu] + [relu] × 1 + [gelu]", "[gelu] + [relu] × 1 + [gelu]"],
    ["[nonlinearity(function: tanh), nonlinearity]", "[nonlinearity(function: tanh), nonlinearity]"],
  ])("%s as %s", (pattern, printed) => {
    expect(printStripe(define(pattern, { heads: undefined }))).toBe(printed);
  });

  const place = fc.oneof(
    fc.constantFrom("relu", "gelu", "swiglu", "attention"),
    fc.integer({ min: 1, max: 90 }).map((feedforward) => `geglu(feedforward: ${feedforward})`),
    fc
      .record({
        heads: fc.constantFrom(1, 2, 3, 6),
        window: fc.constantFrom("null", "3"),
        causal: fc.boolean(),
      })
      .map((s) => `attention(heads: ${s.heads}, window: ${s.window}, causal: ${s.causal})`),
    fc.constantFrom("gelu | attention 1/2", "swiglu | relu 1/2 at 1"),
  );
  const list = fc.array(place, { minLength: 1, maxLength: 4 }).map((places) => `[${places.join(", ")}]`);
  const pattern = fc
    .tuple(fc.option(list), list, fc.integer({ min: 1, max: 6 }), fc.option(list))
    .map(([first, middle, count, last]) => {
      const outer = (text: string | null) =>
        text === null ? [] : [text.replace(/ \| \w+ 1\/2( at 1)?/g, "")];
      return [...outer(first), `${middle} × ${2 * count}`, ...outer(last)].join(" + ");
    });

  test("and read again it is the same, whatever it is", () => {
    fc.assert(
      fc.property(pattern, fc.constantFrom("none", "learned"), (text, positions) => {
        const rest = { vocabulary: 10, length: 8, width: 12, positions };
        const architecture = defineArchitecture({ ...rest, stripe: text });
        const printed = printStripe(architecture);
        const again = defineArchitecture({ ...rest, stripe: printed });
        expect(again).toEqual(architecture);
        expect(printStripe(again)).toBe(printed);
      }),
      { numRuns: 100 },
    );
  });
});

describe("refused in one line", () => {
  test.each([
    ["", "at its end, expected a primitive's name"],
    ["[attention", 'expected "," or "]"'],
    ["[attention, ]", 'at "]", expected a primitive\'s name'],
    ["[atention] × 2", 'stripe[0] is "atention"; did you mean attention?'],
    ["[s6] × 2", 'stripe[0] is "s6"; expected one of attention, '],
    ["[attention] × 0", 'at "0", expected a whole number of repetitions, at least 1'],
    ["[attention] × 2.5", 'at "2.5", expected a whole number of repetitions, at least 1'],
    ["[attention]x2.5", 'at "2.5", expected a whole number of repetitions, at least 1'],
    ["attention x0", 'at "0", expected a whole number of repetitions, at least 1'],
    ["[attention] x two", 'at "two", expected a whole number of repetitions, at least 1'],
    ["attention, gelu", 'expected "+", "× n" or the end; a list stands in brackets, as in [attention, gelu]'],
    ["[gelu | attention 1/4 at 4] × 6", "never fits evenly into 6; expected a multiple of 4, such as 4 or 8"],
    ["[gelu | attention 1/4] + [relu] × 8", "comes round after 4 repetitions never fits evenly into 1"],
    ["[attention] 3", 'at "3", expected "+", "× n" or the end'],
    ["[attention(heads 3)]", 'at "3)]", expected ":"'],
    ["[attention(heads: 3, heads: 6)]", 'attention has "heads" twice'],
    ["[attention(widow: 3)]", 'unknown key "widow"; did you mean "window"?'],
    ["[gelu | attention 2/4]", 'expected a share such as "1/4"'],
    ["[gelu | attention 1/4 at 5]", "one in 4 at 5; expected a place from 1 to 4"],
    ["[gelu | attention 1/4] × 10", "never fits evenly into 10; expected a multiple of 4, such as 8 or 12"],
    ["[gelu | attention 1/4] × 3", "expected a multiple of 4, such as 4"],
    ["[gelu | relu 1/3, gelu | attention 1/4] × 16", "comes round after 12 repetitions"],
    ["[gelu | relu 1/9973, gelu | attention 1/9949]", "expected at most 10000"],
    ["[[[gelu] × 9999] × 9999] × 9999", "expected at most 10000"],
    [`${"[".repeat(9)}gelu${"]".repeat(9)}`, "lists more than 8 deep"],
    [`${"[".repeat(9999)}`, "lists more than 8 deep"],
    ["gelu ".repeat(9999), "characters; expected at most 20000"],
    [`gelu${" ".repeat(19_990)};`, "was not understood"],
    ["[gelu; relu]", "was not understood; expected a pattern such as"],
    ["[gelu] × 10001", "expected at most 10000"],
  ])("%j", (pattern, message) => {
    expect(() => define(pattern, { heads: undefined })).toThrow(RequestError);
    expect(() => define(pattern, { heads: undefined })).toThrow(message);
    try {
      define(pattern, { heads: undefined });
    } catch (error) {
      expect((error as Error).message).not.toContain("\n");
      expect((error as Error).message.length).toBeLessThan(400);
    }
  });

  test("repetitions said twice", () => {
    for (const key of ["repeat", "layers"]) {
      expect(() => define("[attention] × 3", { [key]: 4 })).toThrow(
        "stripe says itself how often it is repeated, and so does repeat or layers (4); leave out one of them",
      );
    }
  });

  test("settings that would be found on every object", () => {
    expect(() => define("[gelu(__proto__: 3)]")).toThrow('unknown key "__proto__"');
    expect(() => define("[constructor]")).toThrow('stripe[0] is "constructor"');
  });
});

test("a primitive's own defaults are not written", () => {
  const wide = { width: 128, length: 64, heads: undefined };
  for (const name of primitives.keys()) expect(printStripe(define([name], wide))).toBe(`[${name}]`);
});
