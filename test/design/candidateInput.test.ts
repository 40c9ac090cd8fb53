// What is refused of candidates as they are given: whatever would be trained as nobody wrote it.
import { expect, test } from "vitest";
import { readDesign } from "../../src/design/input.ts";
import { RequestError } from "../../src/errors.ts";

const plain = { architecture: { width: 8 } };
const reading = (candidates: unknown) => () => readDesign({ budget: "1e9flops", candidates });

test.each([
  [
    { a: { stripe: "[min-gru, swiglu]", norm: "rms" }, b: plain },
    /^design: candidates\.a: "stripe" is a setting of an architecture; write \{ architecture: \{ stripe: … \} \}$/,
  ],
  [{ a: 3, b: plain }, /^design: candidates\.a is 3; expected a preset/],
  [{ a: null, b: plain }, /^design: candidates\.a is null; expected a preset/],
  [
    { a: { lr: 3 }, b: plain },
    /^design: candidates\.a: unknown key "lr"; expected one of architecture, parametrisation, rates$/,
  ],
  [
    { a: { rates: [1, 2, 3] }, b: plain },
    /^design: candidates\.a: architecture is missing; expected a preset/,
  ],
  [{ a: { ...plain, training: { clip: 3 } }, b: plain }, /^design: candidates\.a\.training: .*leave it out$/],
  [
    { a: { ...plain, rates: [0.1] }, b: plain },
    /^design: candidates\.a\.rates: there is 1; expected 3, in place of 0\.0016, 0\.004, 0\.01,/,
  ],
  [
    { a: { ...plain, rates: [3, 2, 1] }, b: plain },
    /^design: candidates\.a\.rates are 3, 2, 1; expected each larger/,
  ],
  [{ a: plain }, /^design: candidates are 1 architecture; expected from 2 to 64$/],
  [{ "a\n": plain, b: plain }, /^design: a candidate is named "a\\n"; expected/],
  [
    { name: "tiny", arms: { a: "gpt", b: "tiny" }, rates: [1] },
    /^design: candidates are a study; expected architectures by name alone/,
  ],
  [{ family: { architecture: "tiny", depths: [1, 2] } }, /^design: candidates are a study/],
  [null, /^design: candidates is null; expected architectures by name/],
])("%j is one line", (candidates, message) => {
  expect(reading(candidates)).toThrow(RequestError);
  expect(reading(candidates)).toThrow(message);
});

test("what arms may have of their own stays", () => {
  const candidates = {
    a: { ...plain, rates: [0.1, 0.2, 0.3], parametrisation: { kind: "standard" } },
    arms: plain,
    b: "mine.yaml",
  };
  expect(reading(candidates)().candidates).toEqual(candidates);
});
