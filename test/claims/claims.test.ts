// Claims as data: their studies are what they say, and evidence decides them.
import { expect, test } from "vitest";
import { claims, requireClaim, trialClaims } from "../../src/claims/claims.ts";
import { claimCost, usualSeconds } from "../../src/claims/cost.ts";
import { judgeArms, judgeClaim } from "../../src/claims/judge.ts";
import { claimReport, verdictLines } from "../../src/claims/report.ts";
import { studiedTrial } from "../../src/claims/trialStudy.ts";
import { wideOrDeep as claim } from "../../src/claims/wideOrDeep.ts";
import { reportPage } from "../../src/report/page.ts";
import { defineTrial } from "../../src/trial/define.ts";
import { usualData } from "../../src/trial/prepare.ts";
import { type TrialResult, trialResult } from "../../src/trial/result.ts";
import type { TrialRun } from "../../src/trial/runs.ts";
import { resultsOf } from "../trial/harness.ts";

const data = { name: "text", vocabulary: 43, trainingTokens: 1e9, validationTokens: 65_537 };
const trial = defineTrial(claim.studies.small[0]!.input, { data });

/** Losses by shape, the same for every rate, and seeds that differ a little. */
function judged(losses: readonly number[], noise = 0.001) {
  const lossOf = ({ arm, candidate, seed }: TrialRun) =>
    losses[arm]! + 0.01 * candidate + noise * Math.sin(13 * arm + 78 * seed);
  const result = trialResult(trial, resultsOf(trial, lossOf));
  return { result, verdict: judgeClaim(claim, result) };
}

const studiedAt = (losses: readonly number[], change: Partial<TrialResult> = {}) => ({
  label: "standard parametrisation",
  ...studiedTrial({ ...judged(losses).result, ...change }, judged(losses)),
});

test("wide-or-deep has the four shapes of 196,608 weights with heads of 16", () => {
  expect(trial.arms.map(({ name, parameters }) => [name, parameters.kaplan])).toEqual(
    ["1 × 128", "4 × 64", "16 × 32", "64 × 16"].map((name) => [name, 196_608]),
  );
  for (const { architecture } of trial.arms) {
    const [attention] = architecture.stripe;
    expect(architecture.width / Number(attention!.heads)).toBe(16);
  }
  expect(claimCost(requireClaim("wide-or-deep"), "small").runs).toBe(40);
  expect(claimCost(requireClaim("wide-or-deep"), "full").runs).toBe(96);
});

test("every claim ends within ten minutes on two cores in its small form, and within a day in full", () => {
  for (const each of claims) {
    expect(usualSeconds(claimCost(each, "small"), 2), each.name).toBeLessThan(600);
    expect(usualSeconds(claimCost(each, "full"), 2), each.name).toBeLessThan(24 * 3600);
  }
});

test("every claim about arms has studies that can be defined at every scale", () => {
  for (const each of trialClaims) {
    for (const studies of Object.values(each.studies)) {
      for (const { input } of studies) {
        const { arms } = defineTrial(input, { data: usualData(input) });
        const names = new Set(arms.map(({ name }) => name));
        for (const { better, than } of each.expectations)
          for (const name of [...better, ...than]) expect(names).toContain(name);
      }
    }
  }
});

test("the middle over both ends supports it, an end over the middle does not, and noise decides nothing", () => {
  expect(judged([2, 1.8, 1.9, 2.1]).verdict.judgement).toBe("supported");
  const other = judged([1.5, 1.8, 1.9, 2.1]).verdict;
  expect(other.judgement).toBe("not supported");
  expect(other.expectations[0]!.reason).toContain("1 × 128 wins over 4 × 64");
  // The two of the middle are tied with an end.
  expect(judged([1.8, 1.8, 1.8, 2.1], 0.0001).verdict.judgement).toBe("not supported");
  const open = judged([1.81, 1.8, 1.8, 1.81], 0.1).verdict;
  expect(open.judgement).toBe("not decidable at this scale");
  expect(open.expectations[0]!.decidable!.value).toBeGreaterThan(0.01);
});

test("where each of the middle fails against some end, none can support it; a claim that goes on is so far", () => {
  const pairs = [
    ["4 × 64", "1 × 128", "1 × 128"],
    ["4 × 64", "64 × 16", "4 × 64"],
    ["16 × 32", "64 × 16", null],
    ["16 × 32", "1 × 128", "16 × 32"],
  ].map(([first, second, winner]) => ({
    ...{ first, second, winner, seeds: 2, interval: null, verdict: winner === null ? "tie" : "win" },
  }));
  const { result } = judged([2, 1.8, 1.9, 2.1]);
  const verdict = judgeClaim(claim, { ...result, pairs: pairs as unknown as typeof result.pairs });
  expect(verdict.judgement).toBe("not supported");
  expect(verdict.expectations[0]!.reason).toBe("1 × 128 wins over 4 × 64; 16 × 32 ties with 64 × 16");
  const hopeful = pairs.map((pair, i) =>
    i === 0 ? { ...pair, winner: null, verdict: "undecided", furtherSeeds: 3 } : pair,
  ) as unknown as typeof result.pairs;
  expect(judgeClaim(claim, { ...result, pairs: hopeful }).expectations[0]!.reason).toBe(
    "from 2 seeds no arm surely wins over all that it should; about 3 more seeds would probably decide",
  );
  const study = studiedAt([1.5, 1.8, 1.9, 2.1], { finished: false });
  expect(verdictLines(claim, study)[0]).toMatch(/^so far, after 36 runs, not supported/);
  const factOf = (more: Partial<typeof study>) =>
    claimReport({ claim, scale: "small", studies: [{ ...study, ...more }], command: "" }).facts[0]!.value;
  expect([factOf({ finished: true }), factOf({}), factOf({ runs: 0 })]).toEqual([
    "not supported",
    "not finished",
    "not run",
  ]);
  expect(verdictLines(claim, { ...study, runs: 0 })[0]).toMatch(/^not run \(/);
});

test("what could have been decided is of the pairs that are asked about; an arm without a result is named", () => {
  const pair = (first: string, second: string, half: number, difference: number | null = 0.1) => ({
    ...{ first, second, difference, winner: null, seeds: 2, verdict: "undecided", furtherSeeds: null },
    interval: difference === null ? null : [difference - half, difference + half],
  });
  const pairs = [
    pair("1 × 128", "4 × 64", 0.2),
    pair("1 × 128", "16 × 32", 0.3),
    pair("4 × 64", "16 × 32", 9),
    pair("1 × 128", "64 × 16", 9),
    pair("4 × 64", "64 × 16", 0, null),
    pair("16 × 32", "64 × 16", 0, null),
  ];
  const names = ["1 × 128", "4 × 64", "16 × 32", "64 × 16"];
  const judgedBy = (some: typeof pairs, missing = "") => {
    const arms = names.map((name) => ({ name, test: name === missing ? null : { loss: 1, interval: null } }));
    const result = { measure: "loss", arms, pairs: some } as unknown as TrialResult;
    return judgeClaim(claim, result).expectations[0]!;
  };
  expect(judgedBy(pairs).decidable!.value).toBeCloseTo(0.3);
  expect(judgedBy(pairs).reason).not.toContain("no result");
  const without = pairs.map((one) =>
    one.second === "64 × 16" ? { ...one, difference: null, interval: null } : one,
  );
  expect(judgedBy(without, "64 × 16")).toMatchObject({
    judgement: "not decidable at this scale",
    reason: "no result of 64 × 16",
  });
});

test("the page has the published figures, the verdict and what could have been decided", () => {
  const studies = [studiedAt([2, 1.8, 1.9, 2.1])];
  const page = reportPage(claimReport({ claim, scale: "small", studies, command: "scantling reproduce" }));
  expect(page).toContain("0.953");
  expect(page).toContain("supported (standard parametrisation)");
  expect(page).toContain("would have been decided");
  expect(() => requireClaim("wide-or-deap")).toThrow(/did you mean wide-or-deep\?/);
});

test("nothing that could win, or to win over, decides nothing", () => {
  const { pairs } = judged([2, 1.8, 1.9, 2.1]).result;
  for (const expectation of [
    { text: "", better: [], than: ["1 × 128"] },
    { text: "", better: ["1 × 128"], than: [] },
  ])
    expect(judgeArms(expectation, pairs).judgement).toBe("not decidable at this scale");
});
