// The claims of WideNet and of growth: their arms are what the papers say they are.
import { expect, test } from "vitest";
import type { ClaimText, Scale } from "../../src/claims/claim.ts";
import { growth, savedBy } from "../../src/claims/growth.ts";
import type { TrialClaim } from "../../src/claims/trialStudy.ts";
import { widenet } from "../../src/claims/widenet.ts";
import { widenetText } from "../../src/claims/widenetText.ts";
import { defineTrial, type Trial } from "../../src/trial/define.ts";
import { usualData } from "../../src/trial/prepare.ts";

const smallOf = (claim: TrialClaim): Trial => trialAt(claim, "small");

function trialAt(claim: TrialClaim, scale: Scale): Trial {
  const { input } = claim.studies[scale][0]!;
  return defineTrial(input, { data: usualData(input) });
}

test("WideNet's parameters are those of the paper's formula, and shared norms differ from it by norms alone", () => {
  const { arms, data } = smallOf(widenet);
  const total = Object.fromEntries(arms.map(({ name, parameters }) => [name, parameters.total]));
  const { length, inputs } = data.sequence!;
  const [d, f, experts, blocks, classes] = [32, 128, 4, 4, data.vocabulary];
  // Without the tanh layer in front of the head, and with a mean over places instead of a class token.
  const formula =
    inputs * d +
    d +
    length * d +
    (4 * d * d + 4 * d) +
    experts * (2 * d * f + f + d) +
    experts * d +
    (4 * blocks * d + 2 * d) +
    classes * (d + 1);
  expect(total.WideNet).toBe(formula);
  expect(formula - total["WideNet, shared norms"]!).toBe(4 * (blocks - 1) * d);
  expect(total["shared, no experts"]).toBe(formula - (experts - 1) * (2 * d * f + f + d) - experts * d);
  expect(total.ViT).toBeLessThan(total["ViT-MoE"]!);
  expect(new Set(arms.map(({ steps }) => steps)).size).toBe(1);
  // Fewer parameters, more operations.
  const [vit, , , own] = arms;
  expect(own!.parameters.total).toBeLessThan(vit!.parameters.total);
  expect(own!.flops).toBeGreaterThan(vit!.flops);
});

test("ALBERT's arm shares norms and all, WideNet's all but norms; the mask is a token more than the data have", () => {
  const { arms, data } = smallOf(widenetText);
  const [bert, albert, four, eight] = arms.map(({ parameters }) => parameters);
  for (const { architecture } of arms) expect(architecture.vocabulary).toBe(data.vocabulary + 1);
  expect(albert!.total).toBeLessThan(bert!.total / 3);
  expect(eight!.total - four!.total).toBe(4 * (2 * 64 * 256 + 256 + 64) + 4 * 64);
  // Of the router alone: a token meets two experts however many there are.
  expect(eight!.active - four!.active).toBe(4 * 64);
});

test("arms that grow end as the one from scratch is, at its FLOPs, a quarter of them the small network's", () => {
  const [scratch, ...grown] = smallOf(growth).arms;
  for (const { parameters, flops, stages, count } of grown) {
    expect(parameters).toEqual(scratch!.parameters);
    expect(count.flopsPerToken).toEqual(scratch!.count.flopsPerToken);
    const ofStep = scratch!.flops / scratch!.steps;
    expect(Math.abs(flops - scratch!.flops)).toBeLessThanOrEqual(ofStep);
    const small = stages[0]!.steps * stages[0]!.flopsPerToken.training * 64 * 16;
    expect(Math.abs(small - flops / 4)).toBeLessThanOrEqual(ofStep);
    expect(flops - small).toBeGreaterThan(0.7 * flops);
  }
});

/** How many times smaller ours are than published models, of which the caveats tell the least and the most. */
function timesSmaller(
  claim: TrialClaim,
  scale: Scale,
  published: Readonly<Record<string, number>>,
): number[] {
  const { arms } = trialAt(claim, scale);
  return Object.entries(published).map(
    ([name, parameters]) => parameters / arms.find((arm) => arm.name === name)!.parameters.total,
  );
}

function expectWithin(ratios: readonly number[], [least, most]: readonly [number, number]): void {
  expect(Math.min(...ratios) / least).toBeCloseTo(1, 1);
  expect(Math.max(...ratios) / most).toBeCloseTo(1, 1);
}

const caveatsOf = ({ caveats }: ClaimText): string => caveats.join("\n");

test("how much smaller than the published models ours are is as the caveats say", () => {
  const text = {
    ALBERT: 11.68e6,
    BERT: 89.65e6,
    "WideNet, 4 experts": 25.89e6,
    "WideNet, 8 experts": 44.78e6,
  };
  expectWithin(timesSmaller(widenetText, "full", text), [39, 74]);
  expectWithin(timesSmaller(widenetText, "small", text), [155, 435]);
  expect(caveatsOf(widenetText)).toContain("39 to 74 times (full) and 155 to 435 times (small)");
  const images = { ViT: 87_157_480, "ViT-MoE": 128_089_320, WideNet: 29_690_600 };
  expectWithin(timesSmaller(widenet, "full", images), [190, 420]);
  expectWithin(timesSmaller(widenet, "small", images), [700, 1600]);
  expect(caveatsOf(widenet)).toContain("190 to 420 times (full) and 700 to 1,600 times (small)");
  expectWithin(timesSmaller(growth, "full", { scratch: 1.1e9 }), [1400, 1400]);
  expectWithin(timesSmaller(growth, "small", { scratch: 1.1e9 }), [3600, 3600]);
});

test("published speed-ups of growth are told as FLOPs saved, which is what the other paper tells", () => {
  // 300B tokens from scratch, 194B when grown.
  expect(savedBy(54.6)).toBeCloseTo(100 * (1 - 194 / 300), 0);
  expect(savedBy(100)).toBe(50);
  expect(savedBy(-25.7)).toBe(-34.6);
  const { rows } = growth.published;
  expect(rows[0]!.slice(2)).toEqual(["speed-up 49.1 %", 32.9]);
  expect(rows.find(([method]) => String(method).includes("StackBERT"))!.slice(2)).toEqual([
    "saved 34.1 %",
    34.1,
  ]);
});
