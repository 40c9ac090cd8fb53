// Clark et al. 2022: loss of routed models from dense size and number of experts. Knows no budget.

import type { Law, Numbers } from "../law.ts";
import { linearRegression } from "../leastSquares.ts";

/** Experts with their use saturating: equation 2, with E_start and E_max of the routing. */
export function saturatedExperts(experts: number, start: number, most: number): number {
  return 1 / (1 / (experts - 1 + 1 / (1 / start - 1 / most)) + 1 / most);
}

interface Routing {
  readonly name: string;
  readonly title: string;
  readonly values: readonly number[];
  readonly start: number;
  readonly most: number;
}

/** log10 L = a log10 N + b log10 Ê + c log10 N log10 Ê + d. Logarithms of base 10 are the only ones that give sane losses. */
function routedLaw({ name, title, values, start, most }: Routing): Law {
  return {
    name: `moe-${name}`,
    title: `Routed experts, ${title}`,
    formula: `log10 L = a·log10 N + b·log10 Ê + c·log10 N·log10 Ê + d; Ê is E between ${start} and ${most}`,
    source: "Clark et al. 2022 (arXiv 2202.01169), equations 1 and 2, table 3",
    convention: "N counts the parameters of the dense model of the same cost; loss in nat a token",
    text: "MassiveText",
    inputs: ["parameters", "experts"],
    output: "loss",
    constants: ["a", "b", "c", "d"],
    published: { [name]: { source: "Clark et al. 2022, table 3", values } },
    domain: { parameters: [1.5e7, 1.3e9], experts: [1, 512] },
    regression: {
      features: ([parameters, experts]: Numbers) => {
        const [n, e] = [Math.log(parameters!), Math.log(saturatedExperts(experts!, start, most))];
        return [n, e, (n * e) / Math.LN10, Math.LN10];
      },
      ...linearRegression(4),
      toFree: (constants) => constants,
      toConstants: (free) => Array.from(free),
    },
  };
}

/** Sinkhorn-routed BASE layers. */
export const routedSinkhorn: Law = routedLaw({
  ...{ name: "s-base", title: "S-BASE", values: [-0.082, -0.108, 0.009, 1.104], start: 1.847, most: 314.478 },
});

/** Routing learnt by reinforcement. */
export const routedReinforced: Law = routedLaw({
  ...{ name: "rl-r", title: "RL-R", values: [-0.083, -0.126, 0.012, 1.111], start: 1.88, most: 469.982 },
});

/** Routing by a fixed hash of the token. */
export const routedHash: Law = routedLaw({
  ...{ name: "hash", title: "HASH", values: [-0.087, -0.136, 0.012, 1.157], start: 4.175, most: 477.741 },
});
