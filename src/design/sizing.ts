// Which candidates a budget is best spent on, and whether synthetic tasks are worth their cost there. Times and trains nothing.

import { RequestError } from "../errors.ts";
import { formatNumber } from "../report/format.ts";
import { planLawOf } from "../scaling/plan/planLaw.ts";
import { USUAL_SPEED } from "../study/usual.ts";
import type { TrialData } from "../trial/define.ts";
import { showAmount } from "./amount.ts";
import type { Design } from "./define.ts";
import type { DesignSettings } from "./input.ts";
import { type Screen, screenOf } from "./screen.ts";
import { type Candidates, generatedCandidates, givenCandidates } from "./sizes.ts";

/** Of the budget, for synthetic tasks that were not asked for. */
const SCREEN_SHARE = 0.02;
/** FLOPs of the tasks for two kinds of blocks, and less. */
const LEAST_SCREEN = 1e11;

/** Candidates, and what chose their size. */
export type Sized = Candidates & Pick<Design, "sizedBy">;

/** @param flops of the winner's run */
export function sizedFor(settings: DesignSettings, data: TrialData, flops: number): Sized {
  const { parameters, state, length, candidates } = settings;
  const { parameters: best, law } = bestSize(flops, data);
  const request = { parameters: parameters ?? best, state, vocabulary: data.vocabulary, length };
  const sizedBy = parameters === undefined ? law : null;
  if (candidates === undefined) {
    requireModel(settings, request.parameters, sizedBy);
    return { ...generatedCandidates(request), sizedBy };
  }
  const { isSized, ...own } = givenCandidates(candidates, parameters !== undefined, request);
  return { ...own, sizedBy: isSized ? sizedBy : null };
}

/** No block that is worth the name has fewer parameters. */
const FEWEST_PARAMETERS = 2000;
/** Widths of larger ones take minutes to solve for, and days to train. */
const MOST_PARAMETERS = 1e10;

/** Errors: RequestError where the budget alone chose a size that is no model, or a size is none for this program. */
function requireModel({ budget }: DesignSettings, parameters: number, sizedBy: string | null): void {
  if (parameters > MOST_PARAMETERS) {
    const why = sizedBy === null ? "" : `: by law ${sizedBy} budget ${showAmount(budget)} is for so many`;
    throw new RequestError(
      `design: candidates would have ${parameters.toPrecision(3)} parameters${why}; expected at most ` +
        `${MOST_PARAMETERS.toLocaleString("en-US")}: give ${sizedBy === null ? "fewer" : "a smaller budget, or the parameters"}`,
    );
  }
  if (sizedBy === null || parameters >= FEWEST_PARAMETERS) return;
  throw new RequestError(
    `design: budget ${showAmount(budget)} is too small: by law ${sizedBy} its winner would have ${formatNumber(parameters, "parameter")}; expected enough ` +
      `for ${FEWEST_PARAMETERS.toLocaleString("en-US")} at least, or give the parameters`,
  );
}

/** Errors: RequestError where it is asked for and cannot be. */
export function screenFor(
  { mad, budget }: DesignSettings,
  { candidates }: Sized,
  processes: number,
): Screen | null {
  const most = SCREEN_SHARE * budget.value * (budget.unit === "flops" ? 1 : USUAL_SPEED * processes);
  // A look at what it would cost takes a while, and no screening costs less.
  if (mad === false || (mad === undefined && most < LEAST_SCREEN)) return null;
  const screen = screenOf(candidates);
  if (screen === null && mad === true) {
    throw new RequestError(
      "design: mad tells kinds of blocks apart, and the candidates have one kind or cannot answer its tasks; leave it out",
    );
  }
  return screen !== null && (mad === true || screen.flops <= most) ? screen : null;
}

/** What a run is best spent on, by the laws of others; where text would be seen again, by the one that knows of that. */
export function bestSize(flops: number, { trainingTokens }: TrialData): { parameters: number; law: string } {
  const usual = planLawOf("besiroglu");
  const isRepeated = usual.optimum(flops).tokens > trainingTokens;
  const law = isRepeated ? planLawOf("data-constrained", trainingTokens) : usual;
  return { parameters: Math.round(law.optimum(flops).parameters), law: law.name };
}
