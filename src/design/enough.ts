// Whether a budget is enough for a design, and the least that is. Trains nothing.
import { RequestError } from "../errors.ts";
import type { Budget } from "../study/budget.ts";
import { runSeconds, USUAL_SPEED } from "../study/usual.ts";
import { showAmount, showUp } from "./amount.ts";
import type { DesignContext } from "./define.ts";
import type { DesignSettings } from "./input.ts";
import { type RungSize, rungSizes } from "./rungs.ts";

/** What a design would be of if it were asked for with other settings. */
export type ContextFor = (settings: DesignSettings) => DesignContext;

/** Of the budget, for the winner's run, where nothing is asked for. */
export const FINAL_SHARE = 0.5;
/** A run of fewer says nothing. */
export const LEAST_STEPS = 20;

/** What the winner's run may take, in the budget's unit. */
export function finalOf({ budget, final }: Pick<DesignSettings, "budget" | "final">): number {
  return final ?? FINAL_SHARE * budget.value;
}

/** What synthetic tasks take or have taken, in the budget's unit. */
function screeningOf({ budget }: DesignSettings, { screen, screened, processes }: DesignContext): number {
  const flops = screened?.cost.flops ?? screen?.flops ?? 0;
  return budget.unit === "flops" ? flops : (screened?.cost.clock ?? flops / USUAL_SPEED / processes);
}

/** What is left for the search, in the budget's unit. */
export function searchOf(settings: DesignSettings, context: DesignContext): number {
  return context.search ?? settings.budget.value - finalOf(settings) - screeningOf(settings, context);
}

/** The rungs of the search. */
export function sizesOf(settings: DesignSettings, context: DesignContext): RungSize[] {
  const { budget, rates, seeds } = settings;
  const { candidates, processes } = context;
  // Processes side by side spend a second each, idle ones too; the winner has all of them to itself.
  const sides = budget.unit === "seconds" ? processes : 1;
  return rungSizes(searchOf(settings, context) * sides, {
    ...{ candidates: candidates.length, rates: rates.length, seeds },
    ...{ most: finalOf(settings), processes: sides },
  });
}

/** The candidate whose shortest run costs most, and what that is. */
function dearest({ budget, batch, length }: DesignSettings, { candidates, secondsPerStep }: DesignContext) {
  const needs = candidates.map(({ flopsPerToken }, place) =>
    budget.unit === "flops"
      ? LEAST_STEPS * flopsPerToken * batch * length
      : runSeconds(LEAST_STEPS * secondsPerStep![place]!),
  );
  const need = Math.max(...needs);
  return { need, name: candidates[needs.indexOf(need)]!.name };
}

function isEnough(settings: DesignSettings, context: DesignContext): boolean {
  return (
    searchOf(settings, context) > 0 &&
    dearest(settings, context).need <= sizesOf(settings, context)[0]!.amount
  );
}

/**
 * @param at the context of other budgets; default: the same
 * @param from where the search for the least begins; default: the budget
 * Errors: RequestError where the tasks leave nothing, or the first rung is too short for a candidate, with what is enough.
 */
export function requireEnough(
  settings: DesignSettings,
  context: DesignContext,
  at: ContextFor = () => context,
  from = settings.budget.value,
): void {
  if (isEnough(settings, context)) return;
  const { budget, final } = settings;
  const { need, name } = dearest(settings, context);
  const needs = `${name} needs ${LEAST_STEPS} updates`;
  // No run of the search is longer than the winner's.
  if (final !== null && need > final) {
    const { unit } = budget;
    const enough = showUp({ unit, value: need * (unit === "seconds" ? ROOM : 1) });
    throw new RequestError(
      `design: final ${showAmount({ unit, value: final })} is too small: ${needs}; expected at least ${enough}, or smaller candidates`,
    );
  }
  const least = leastBudget(settings, at, from);
  const expected = least === null ? "expected more" : `expected at least ${showUp(least)}`;
  if (searchOf(settings, context) <= 0) {
    throw new RequestError(
      `design: budget ${showAmount(budget)} does not pay for the synthetic tasks; ${expected}, or leave out mad`,
    );
  }
  throw new RequestError(
    `design: budget ${showAmount(budget)} is too small for ${sizesOf(settings, context)[0]!.runs} first runs of ` +
      `${context.candidates.length} candidates; ${needs}: ${expected}, or fewer candidates, or smaller ones by parameters`,
  );
}

/** Candidates are timed anew by the call that is given what was named, and never to the same result. */
const ROOM = 1.1;
const MOST_DOUBLINGS = 60;
/** It is named to two digits. */
const PRECISION = 1.04;

/**
 * The budget `from` which is searched where that is enough, or the least that is: a larger one makes larger candidates, and
 * synthetic tasks affordable. Null: none.
 */
export function leastBudget(
  settings: DesignSettings,
  at: ContextFor,
  from = settings.budget.value,
): Budget | null {
  const { unit } = settings.budget;
  const accepts = (amount: number): boolean => {
    const asked = { ...settings, budget: { unit, value: amount } };
    try {
      const context = at(asked);
      const secondsPerStep = context.secondsPerStep?.map((seconds) => ROOM * seconds);
      return isEnough(asked, { ...context, secondsPerStep });
    } catch (error) {
      // No candidates of that size, for one.
      if (error instanceof RequestError) return false;
      throw error;
    }
  };
  if (accepts(from)) return { unit, value: from };
  let [low, high] = [from, 2 * from];
  for (let doublings = 0; !accepts(high); doublings++) {
    if (doublings === MOST_DOUBLINGS) return null;
    [low, high] = [high, 2 * high];
  }
  while (high / low > PRECISION) {
    const middle = Math.sqrt(low * high);
    if (accepts(middle)) high = middle;
    else low = middle;
  }
  return { unit, value: high };
}
