// Arms that are one architecture by two names are told so, and no others.
import { expect, test } from "vitest";
import type { ArmInput } from "../../src/trial/input.ts";
import { input, trialOf } from "./harness.ts";

const { wide, deep } = input.arms as Record<string, ArmInput>;

test("one architecture, trained alike, under two names", () => {
  const same = trialOf({ arms: { wide: wide!, other: deep!, again: wide! } });
  expect(same.notes).toEqual([expect.stringMatching(/^wide and again are one architecture, trained alike/)]);
});

test("whatever order settings were written in", () => {
  const stripe = [
    { primitive: "attention", heads: 2, kvHeads: 1 },
    { kvHeads: 1, heads: 2, primitive: "attention" },
  ];
  const [one, other] = stripe.map((entry) => ({ architecture: { width: 16, stripe: [entry] } }));
  expect(trialOf({ arms: { one: one!, other: other! } }).notes).toHaveLength(1);
});

test("other rates, another way to train or another parametrisation are another arm", () => {
  const variants = [
    { rates: [0.001, 0.01, 0.2] },
    { training: { optimizer: { name: "adamw", beta2: 0.9 } } },
    { parametrisation: { kind: "mup", baseWidth: 8 } },
  ];
  for (const variant of variants) {
    expect(trialOf({ arms: { wide: wide!, again: { ...wide!, ...variant } as ArmInput } }).notes).toEqual([]);
  }
});
