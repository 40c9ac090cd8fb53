// The claims of WideNet and of growth: their arms are what the papers say they are.
import { expect, test } from "vitest";
import { growth } from "../../src/claims/growth.ts";
import type { TrialClaim } from "../../src/claims/trialStudy.ts";
import { widenet } from "../../src/claims/widenet.ts";
import { widenetText } from "../../src/claims/widenetText.ts";
import { defineTrial, type Trial } from "../../src/trial/define.ts";
import { usualData } from "../../src/trial/prepare.ts";

function smallOf(claim: TrialClaim): Trial {
  const { input } = claim.studies.small[0]!;
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
