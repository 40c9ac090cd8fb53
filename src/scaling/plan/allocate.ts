// Parameters and tokens for what is asked: any one or two of compute, parameters, tokens and a loss, with inference to pay
// for. Knows no shape and no hardware.

import { RequestError } from "../../errors.ts";
import { type Allocation, goldenSection, type PlanLaw } from "./planLaw.ts";

/** What is given, one or two of the first four. */
export interface Goal {
  /** Training FLOP, with inference where there is some. */
  readonly flops?: number | undefined;
  readonly parameters?: number | undefined;
  readonly tokens?: number | undefined;
  readonly loss?: number | undefined;
  /** Tokens that the trained model will read and write, 2·N FLOP each (Sardana et al. 2024); default 0. */
  readonly inferenceTokens?: number | undefined;
}

/** Wider than any budget: FLOP. */
const RANGE = [1e6, 1e33] as const;

/**
 * The allocation that a law advises. Two of the four determine it; with one, the rest is optimal.
 * Errors: RequestError for none, three or more, or a goal that nothing meets.
 */
export function allocate(law: PlanLaw, goal: Goal): Allocation {
  const { flops, parameters, tokens, loss, inferenceTokens = 0 } = goal;
  const given = [flops, parameters, tokens, loss].filter((value) => value !== undefined).length;
  if (given === 0 || given > 2) {
    throw new RequestError(
      `${given} of FLOPs, parameters, tokens and loss are given; expected one or two, such as --flops 1e21 or --parameters 1G --loss 2.5, or --unique-tokens alone`,
    );
  }
  if (parameters !== undefined && tokens !== undefined) return { parameters, tokens };
  if (loss !== undefined) return forLoss(law, { ...goal, loss, inferenceTokens });
  if (flops !== undefined) return forFlops(law, { flops, parameters, tokens, inferenceTokens });
  return onFrontier(law, parameters === undefined ? { tokens: tokens! } : { parameters }, inferenceTokens);
}

/** Training and inference. */
export function flopsOf({ parameters, tokens }: Allocation, inferenceTokens = 0): number {
  return 6 * parameters * tokens + 2 * parameters * inferenceTokens;
}

function forFlops(
  law: PlanLaw,
  goal: {
    flops: number;
    parameters?: number | undefined;
    tokens?: number | undefined;
    inferenceTokens: number;
  },
): Allocation {
  const { flops, inferenceTokens } = goal;
  if (goal.parameters !== undefined) {
    const tokens = (flops / goal.parameters - 2 * inferenceTokens) / 6;
    if (!(tokens >= 1)) {
      throw new RequestError(
        `${short(flops)} FLOP leave no tokens to train ${short(goal.parameters)} parameters on; raise the budget or lower the parameters`,
      );
    }
    return { parameters: goal.parameters, tokens };
  }
  if (goal.tokens !== undefined)
    return { parameters: flops / (6 * goal.tokens + 2 * inferenceTokens), tokens: goal.tokens };
  if (inferenceTokens === 0) return law.optimum(flops);
  const loss = needLoss(law);
  const at = (ln: number) => ({
    parameters: Math.exp(ln),
    tokens: (flops / Math.exp(ln) - 2 * inferenceTokens) / 6,
  });
  const most = Math.log(flops / (2 * inferenceTokens + 6));
  if (!(most > 0)) {
    throw new RequestError(
      `${short(flops)} FLOP do not pay for inference of ${short(inferenceTokens)} tokens alone; raise the budget`,
    );
  }
  return at(goldenSection((ln) => loss(at(ln)), 0, most));
}

function forLoss(law: PlanLaw, goal: Goal & { loss: number; inferenceTokens: number }): Allocation {
  const loss = needLoss(law);
  const target = goal.loss;
  const tokensFor = (parameters: number) => solve((tokens) => loss({ parameters, tokens }) - target, 1, 1e30);
  const tooLow = (what: string) =>
    new RequestError(`a loss of ${target} is not reached ${what} by law ${law.name}; ask for a higher one`);
  if (goal.parameters !== undefined) {
    const tokens = tokensFor(goal.parameters);
    if (tokens === null) throw tooLow(`with ${short(goal.parameters)} parameters on any number of tokens`);
    return { parameters: goal.parameters, tokens };
  }
  if (goal.tokens !== undefined) {
    const tokens = goal.tokens;
    const parameters = solve((size) => loss({ parameters: size, tokens }) - target, 1, 1e30);
    if (parameters === null) throw tooLow(`on ${short(tokens)} tokens with any number of parameters`);
    return { parameters, tokens };
  }
  const cheapest = cheapestFor(law, goal, tokensFor);
  if (cheapest === null) throw tooLow("at any budget");
  const { flops: budget, inferenceTokens } = goal;
  if (budget === undefined) return cheapest;
  const least = flopsOf(cheapest, inferenceTokens);
  // As much as rounding of what was found by bisection.
  if (budget < least * (1 - 1e-9)) {
    const { parameters, tokens } = forFlops(law, { flops: budget, inferenceTokens });
    const withInference =
      inferenceTokens === 0 ? "" : `, inference of ${short(inferenceTokens)} tokens included,`;
    throw new RequestError(
      `a loss of ${target} needs ${short(least)} FLOP${withInference} by law ${law.name}; ${short(budget)} reach ${loss({ parameters, tokens }).toFixed(3)}`,
    );
  }
  // The smallest model that still meets it within the budget: the cheapest to use.
  const tokensOf = (size: number) => (budget / size - 2 * inferenceTokens) / 6;
  const excess = (size: number) => loss({ parameters: size, tokens: tokensOf(size) }) - target;
  const parameters = solve(excess, 1, cheapest.parameters) ?? cheapest.parameters;
  return { parameters, tokens: tokensOf(parameters) };
}

/** Of all that reach a loss what costs least in training and inference; null where nothing reaches it. */
function cheapestFor(
  law: PlanLaw,
  { loss: target, inferenceTokens }: { readonly loss: number; readonly inferenceTokens: number },
  tokensFor: (parameters: number) => number | null,
): Allocation | null {
  const loss = needLoss(law);
  const flops = solve((budget) => loss(law.optimum(budget)) - target, ...RANGE);
  if (flops === null) return null;
  const optimum = law.optimum(flops);
  if (inferenceTokens === 0) return optimum;
  const cost = (ln: number) => {
    const tokens = tokensFor(Math.exp(ln));
    return tokens === null
      ? Infinity
      : Math.log(flopsOf({ parameters: Math.exp(ln), tokens }, inferenceTokens));
  };
  // Smaller models than the optimum, down to the one that would need endless data.
  const least =
    solve((size) => loss({ parameters: size, tokens: 1e30 }) - target, 1, optimum.parameters) ?? 1;
  const ln = goldenSection(cost, Math.log(least) + 1e-6, Math.log(optimum.parameters));
  return { parameters: Math.exp(ln), tokens: tokensFor(Math.exp(ln))! };
}

function onFrontier(
  law: PlanLaw,
  wanted: { readonly parameters: number } | { readonly tokens: number },
  inferenceTokens: number,
): Allocation {
  // Less pays for inference by a model of one parameter alone.
  const isEnough = (flops: number) => inferenceTokens === 0 || flops > 2 * inferenceTokens + 6;
  const best = (flops: number) => forFlops(law, { flops, inferenceTokens });
  const excess = (flops: number) => {
    if (!isEnough(flops)) return Infinity;
    const { parameters, tokens } = best(flops);
    return "parameters" in wanted ? wanted.parameters - parameters : wanted.tokens - tokens;
  };
  const flops = solve(excess, ...RANGE);
  if (flops === null) {
    throw new RequestError(
      `no budget makes this optimal by law ${law.name}; give FLOPs or the other of parameters and tokens too`,
    );
  }
  return { ...best(flops), ...wanted };
}

function needLoss(law: PlanLaw): (at: Allocation) => number {
  if (law.loss !== null) return law.loss;
  throw new RequestError(
    `law ${law.name} knows no loss away from its optimum; expected --law besiroglu or hoffmann for this`,
  );
}

/** Where a falling function crosses zero, in logarithms; null where it does not between the bounds. */
function solve(f: (x: number) => number, from: number, to: number): number | null {
  if (!(f(to) <= 0)) return null;
  let [low, high] = [Math.log(from), Math.log(to)];
  if (f(from) <= 0) return from;
  while (high - low > 1e-12 * Math.abs(high)) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (f(Math.exp(middle)) > 0) low = middle;
    else high = middle;
  }
  return Math.exp(high);
}

function short(value: number): string {
  return value.toPrecision(3);
}
