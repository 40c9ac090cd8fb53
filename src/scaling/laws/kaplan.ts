// Kaplan et al. 2020: the rows of its table of power laws. Each has constants of its own; they must not be mixed. Knows no
// budget.

import type { Domain, Law, Numbers } from "../law.ts";
import { linearRegression } from "../leastSquares.ts";
import type { Quantity } from "../quantities.ts";
import { grid, sumOfTerms } from "../terms.ts";

/** FLOP of a petaflop/s-day, the unit of compute in the paper. */
export const petaflopDay = 8.64e19;

const source = "Kaplan et al. 2020 (arXiv 2001.08361)";
const convention = "N counts no embeddings; C = 6·N·B·S; loss in nat a token";
const text = "WebText2 (1,024 tokens of context)";
const domain: Domain = { parameters: [768, 1.5e9], tokens: [2.2e7, 2.3e10], flops: [1e13, 8.64e20] };

/** L = (scale / x)^exponent, fitted as a straight line in logarithms. */
function powerLaw(
  row: string,
  input: Quantity,
  constants: readonly [scale: string, exponent: string],
  values: readonly [number, number],
  own: Domain,
): Law {
  return {
    name: `kaplan-${row}`,
    title: `Kaplan, L(${row.toUpperCase()})`,
    formula: `L = (${constants[0]} / x)^${constants[1]}, x in ${input}`,
    source: `${source}, section 1.2 and table 5`,
    ...{ convention, text },
    inputs: [input],
    output: "loss",
    constants,
    published: { kaplan: { source, values } },
    domain: own,
    regression: {
      features: ([x]: Numbers) => [1, -Math.log(x!)],
      // Coordinates: exponent · ln scale, and the exponent.
      ...linearRegression(2),
      toFree: ([scale, exponent]) => [exponent! * Math.log(scale!), exponent!],
      toConstants: ([product, exponent]: Numbers) => [Math.exp(product! / exponent!), exponent!],
    },
  };
}

/** L(N), to convergence on unlimited data. */
export const kaplanParameters = powerLaw("n", "parameters", ["Nc", "alphaN"], [8.8e13, 0.076], {
  parameters: domain.parameters!,
});

/** L(D), large models stopped early. */
export const kaplanTokens = powerLaw("d", "tokens", ["Dc", "alphaD"], [5.4e13, 0.095], {
  tokens: domain.tokens!,
});

/** L(C) at the paper's fixed batch; Cc is 1.6e7 petaflop/s-days. */
export const kaplanFlops = powerLaw("c", "flops", ["Cc", "alphaC"], [1.6e7 * petaflopDay, 0.057], {
  flops: domain.flops!,
});

/** L(C_min), compute at a batch far below the critical one; Cc is 3.1e8 petaflop/s-days. */
export const kaplanLeastFlops = powerLaw("cmin", "flops", ["Cc", "alphaC"], [3.1e8 * petaflopDay, 0.05], {
  flops: domain.flops!,
});

/** L(N, D), with early stopping. */
export const kaplanData: Law = {
  name: "kaplan-nd",
  title: "Kaplan, L(N, D)",
  formula: "L = ((Nc/N)^(alphaN/alphaD) + Dc/D)^alphaD",
  source: `${source}, equation 4.1 and table 2`,
  ...{ convention, text },
  inputs: ["parameters", "tokens"],
  output: "loss",
  constants: ["Nc", "Dc", "alphaN", "alphaD"],
  published: { kaplan: { source, values: [6.4e13, 1.8e13, 0.076, 0.103] } },
  domain: { parameters: domain.parameters!, tokens: domain.tokens! },
  regression: {
    features: ([parameters, tokens]: Numbers) => [-Math.log(parameters!), -Math.log(tokens!)],
    // Coordinates: r · ln Nc, ln Dc, r = alphaN / alphaD, alphaD.
    ...sumOfTerms({
      terms: [
        [{ of: 0 }, { of: 2, by: 0 }],
        [{ of: 1 }, { by: 1 }],
      ],
      power: 3,
    }),
    huber: 1e-3,
    starts: () => grid([10, 20, 30], [20, 30], [0.5, 1], [0.05, 0.1, 0.3]),
    toFree: ([Nc, Dc, alphaN, alphaD]) => {
      const ratio = alphaN! / alphaD!;
      return [ratio * Math.log(Nc!), Math.log(Dc!), ratio, alphaD!];
    },
    toConstants: ([product, dc, ratio, alphaD]: Numbers) => [
      Math.exp(product! / ratio!),
      Math.exp(dc!),
      ratio! * alphaD!,
      alphaD!,
    ],
  },
};

/** L(N, S_min), on unlimited data at a batch far above the critical one. */
export const kaplanSteps: Law = {
  name: "kaplan-ns",
  title: "Kaplan, L(N, S)",
  formula: "L = (Nc/N)^alphaN + (Sc/S)^alphaS",
  source: `${source}, equation 5.6 and table 3`,
  convention: `${convention}; S counts the least steps, at large batch`,
  text,
  inputs: ["parameters", "steps"],
  output: "loss",
  constants: ["Nc", "Sc", "alphaN", "alphaS"],
  published: { kaplan: { source, values: [6.5e13, 2.1e3, 0.077, 0.76] } },
  domain: { parameters: domain.parameters!, steps: [1e3, 2.5e5] },
  regression: {
    features: ([parameters, steps]: Numbers) => [-Math.log(parameters!), -Math.log(steps!)],
    ...sumOfTerms({
      terms: [
        [{ of: 0 }, { of: 2, by: 0 }],
        [{ of: 1 }, { of: 3, by: 1 }],
      ],
    }),
    huber: 1e-3,
    starts: () => grid([1, 3, 6], [2, 6, 12], [0.05, 0.15, 0.4], [0.4, 0.8, 1.5]),
    toFree: ([Nc, Sc, alphaN, alphaS]) => [
      alphaN! * Math.log(Nc!),
      alphaS! * Math.log(Sc!),
      alphaN!,
      alphaS!,
    ],
    toConstants: ([n, s, alphaN, alphaS]: Numbers) => [
      Math.exp(n! / alphaN!),
      Math.exp(s! / alphaS!),
      alphaN!,
      alphaS!,
    ],
  },
};

/** The batch at which time and compute are traded evenly, from the loss alone. */
export const kaplanCriticalBatch: Law = {
  name: "kaplan-batch",
  title: "Kaplan, critical batch",
  formula: "B_crit = B* / L^(1/alphaB)",
  source: `${source}, equation 5.3`,
  ...{ convention, text },
  inputs: ["loss"],
  output: "batchTokens",
  constants: ["Bstar", "alphaB"],
  published: { kaplan: { source, values: [2.1e8, 0.21] } },
  domain: { loss: [2.3, 10] },
  regression: {
    features: ([loss]: Numbers) => [1, -Math.log(loss!)],
    ...linearRegression(2),
    toFree: ([Bstar, alphaB]) => [Math.log(Bstar!), 1 / alphaB!],
    toConstants: ([b, inverse]: Numbers) => [Math.exp(b!), 1 / inverse!],
  },
};

/** Least steps and least compute of a run of `steps` steps with batches of `batch` tokens (equations 5.4 and 5.5). */
export function kaplanLeast(
  run: { readonly steps: number; readonly batch: number; readonly flops: number },
  criticalBatch: number,
): { steps: number; flops: number } {
  return {
    steps: run.steps / (1 + criticalBatch / run.batch),
    flops: run.flops / (1 + run.batch / criticalBatch),
  };
}

/**
 * What a compute budget is best spent on, by the paper's own fits (table 6): parameters without embeddings, tokens, batch in
 * tokens, steps. @param flops C_min, in FLOP
 */
export function kaplanFrontier(flops: number): {
  parameters: number;
  tokens: number;
  batch: number;
  steps: number;
} {
  const days = flops / petaflopDay;
  return {
    parameters: 1.3e9 * days ** 0.73,
    tokens: 2e10 * days ** 0.27,
    batch: 2e6 * days ** 0.24,
    steps: 5.4e3 * days ** 0.03,
  };
}

/** Tokens below which overfitting costs more than the noise between runs (equation 4.4). @param parameters without embeddings */
export function kaplanTokensAgainstOverfitting(parameters: number): number {
  return 5e3 * parameters ** 0.74;
}

/** The paper's rule for Adam's peak rate (appendix D.6), for up to 1e10 parameters without embeddings; 0 and less beyond 1.2e10. */
export function kaplanRate(parameters: number): number {
  return 0.003239 - 0.0001395 * Math.log(parameters);
}
