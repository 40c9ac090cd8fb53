import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Document, TextData } from "../../src/data/document.ts";
import { splitText } from "../../src/data/split.ts";
import { RequestError } from "../../src/errors.ts";

const document = (name: string, text: string): Document => ({ name, bytes: new TextEncoder().encode(text) });
const whole = (...documents: Document[]): TextData => ({ kind: "whole", name: "some", documents });
const string = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

describe("undivided text", () => {
  test("the last tenth is kept for validation", () => {
    const split = splitText(whole(document("a", "0123456789".repeat(10))));
    expect(string(split.training)).toBe("0123456789".repeat(9));
    expect(string(split.validation)).toBe("0123456789");
  });

  test("both sides are valid text and make up the whole, whatever the characters", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 20 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (content, validationFraction) => {
          const split = splitText(whole(document("a", content)), { validationFraction });
          expect(string(split.training) + string(split.validation)).toBe(content);
        },
      ),
      { seed: 1 },
    );
  });

  test("bytes that are no text are cut all the same", () => {
    const bytes = new Uint8Array(100).fill(0x80);
    const split = splitText(whole({ name: "a", bytes }));
    expect(split.training.length + split.validation.length).toBe(100);
    expect(split.validation.length).toBeGreaterThanOrEqual(7);
  });

  test("identical documents are kept once, so they cannot stand on both sides", () => {
    const split = splitText(
      whole(document("a", "alpha "), document("b", "beta "), document("copy of a", "alpha ")),
      { validationFraction: 0.5 },
    );
    expect(split.duplicates).toEqual(["copy of a"]);
    expect(string(split.training) + string(split.validation)).toBe("alpha \nbeta ");
  });

  test.each([0, 1, -0.1, 2, Number.NaN])("a fraction of %d is refused", (validationFraction) => {
    expect(() => splitText(whole(document("a", "some text")), { validationFraction })).toThrow(RequestError);
  });

  test.each([
    ["a", 0.1],
    ["ab", 0.9],
    ["€", 0.5],
  ])("%j is too short for %d", (text, validationFraction) => {
    expect(() => splitText(whole(document("a", text)), { validationFraction })).toThrow(/too few/);
  });
});

describe("a given split", () => {
  const given = (training: Document[], validation: Document[]): TextData => ({
    kind: "split",
    name: "some",
    training,
    validation,
  });

  test("is kept", () => {
    const split = splitText(given([document("t", "train"), document("u", "more")], [document("v", "valid")]));
    expect(string(split.training)).toBe("train\nmore");
    expect(string(split.validation)).toBe("valid");
    expect(split.duplicates).toEqual([]);
  });

  test("loses from training what validation holds", () => {
    const split = splitText(
      given([document("t", "train"), document("u", "valid")], [document("v", "valid")]),
    );
    expect(string(split.training)).toBe("train");
    expect(split.duplicates).toEqual(["u"]);
  });

  test("is refused where both sides are the same", () => {
    expect(() => splitText(given([document("t", "same")], [document("v", "same")]))).toThrow(/identical/);
  });

  test("takes no fraction", () => {
    const data = given([document("t", "train")], [document("v", "valid")]);
    expect(() => splitText(data, { validationFraction: 0.2 })).toThrow(/its own validation/);
  });
});
