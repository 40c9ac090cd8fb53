// Pages of studies and claims in headless Chromium: every figure is drawn, nothing complains or is fetched, phones too.
import { judgeClaim } from "../../src/claims/judge.ts";
import { claimReport } from "../../src/claims/report.ts";
import { studiedTrial } from "../../src/claims/trialStudy.ts";
import { wideOrDeep as claim } from "../../src/claims/wideOrDeep.ts";
import { reportPage } from "../../src/report/page.ts";
import { defineTrial, type Trial } from "../../src/trial/define.ts";
import { trialReport } from "../../src/trial/report.ts";
import { trialResult } from "../../src/trial/result.ts";
import type { TrialRun } from "../../src/trial/runs.ts";
import { describePages, screens } from "../report/pages.ts";
import { context, resultsOf, trialOf } from "./harness.ts";

const lossOf = ({ arm, candidate, seed }: TrialRun): number =>
  2 - 0.1 * arm + 0.2 * Math.abs(candidate - 1) + 0.02 * Math.sin(13 * arm + 78 * seed);
const told = (trial: Trial, isMade = true) =>
  trialResult(trial, isMade ? resultsOf(trial, lossOf) : { results: [], failures: [] });
const pageOf = (result: ReturnType<typeof told>) =>
  reportPage(trialReport({ result, command: "scantling study shapes.yaml", hash: "1" }));

/** Has a curve over depth, and more diagrams than are shown unfolded. */
const family = trialOf({
  arms: undefined,
  family: {
    architecture: { heads: 2, activation: "gelu", positions: "rope" },
    depths: [1, 2, 4, 8, 16, 32],
  },
  equal: { parameters: 24_576, convention: "kaplan", tolerance: 0.5 },
} as never);

/** Routers of six blocks tell of eight experts each. */
const statistics = Object.fromEntries(
  [0, 1, 2, 3, 4, 5].flatMap((block) => [
    [`block.${block}.moe.load`, Array.from({ length: 8 }, (_, i) => (1 + ((block + i) % 3)) / 16)],
    [`block.${block}.moe.entropy`, [2 - block / 10]],
    [`block.${block}.moe.dropped`, [block / 100]],
  ]),
);
const plain = told(trialOf());
const experts = { ...plain, arms: plain.arms.map((arm) => ({ ...arm, statistics })) };

const claimed = told(
  defineTrial(claim.studies.small[0]!.input, { data: { ...context.data, trainingTokens: 1e9 } }),
);
const studies = [{ label: "standard", ...studiedTrial(claimed, { verdict: judgeClaim(claim, claimed) }) }];
const pages = {
  "a study": pageOf(plain),
  "a study of experts": pageOf(experts),
  "a study of one seed": pageOf(told(trialOf({ seeds: 1 }))),
  "a study without results": pageOf(told(trialOf(), false)),
  "a family": pageOf(told(family)),
  "a family without results": pageOf(told(family, false)),
  "a claim": reportPage(claimReport({ claim, scale: "small", studies, command: "scantling reproduce" })),
};

describePages(pages, screens);
