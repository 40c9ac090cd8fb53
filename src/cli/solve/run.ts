// What `scantling solve` does: reads the request, asks for widths, prints them. Solves nothing itself.

import { defineArchitecture } from "../../architecture/architecture.ts";
import { readArchitectureInput } from "../../architecture/read.ts";
import {
  type Budget,
  budgetUnits,
  conventionOf,
  flopConventions,
  parameterConventions,
  solveWidths,
  stateConventions,
} from "../../architecture/solve.ts";
import { printStripe } from "../../architecture/stripe.ts";
import { RequestError } from "../../errors.ts";
import { formatCount } from "../../report/format.ts";
import type { Console } from "../console.ts";
import { prepareOutput } from "../output.ts";
import type { SolveOptions } from "./command.ts";

/** The shapes of the blog article "Layers" without their heads. */
const plainGpt = {
  vocabulary: 65,
  length: 256,
  heads: 1,
  activation: "geluExact",
  norm: "layerUnbiased",
  positions: "none",
  tie: true,
};

/** @returns the exit code */
export function solve(options: SolveOptions, console: Console): number {
  const budget = budgetOf(options);
  const write = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const input: Readonly<Record<string, unknown>> =
    options.architecture === undefined ? plainGpt : readArchitectureInput(options.architecture);
  const changes = Object.fromEntries(
    (["vocabulary", "length", "heads"] as const).flatMap((key) =>
      options[key] === undefined ? [] : [[key, options[key]]],
    ),
  );
  const architecture = defineArchitecture({ width: 64 * (options.heads ?? 1), ...input, ...changes });
  const solutions = solveWidths(architecture, budget, options.depths);
  const document = { budget, stripe: printStripe({ ...architecture, repeat: 1 }), solutions };
  write?.(`${JSON.stringify(document, null, 2)}\n`);
  if (options.json) {
    console.out(`${JSON.stringify(document)}\n`);
    return 0;
  }
  const unit = budgetUnits[budget.of];
  const isWhole = budget.of !== "flops";
  const header = ` depth   width   width/depth  ${unit.padStart(18)}      off`;
  const lines = solutions.map(({ depth, width, value, error }) => {
    const number = isWhole ? value.toLocaleString("en-US") : value.toExponential(4);
    const off = `${error < 0 ? "-" : "+"}${(100 * Math.abs(error)).toFixed(2)} %`;
    const ratio = (width / depth).toFixed(width < depth ? 2 : 0);
    return `${String(depth).padStart(6)}  ${String(width).padStart(6)}  ${ratio.padStart(12)}  ${number.padStart(18)}  ${off.padStart(7)}`;
  });
  const asked = isWhole ? formatCount(budget.value) : budget.value.toExponential();
  const title = `${asked} ${unit} (${budget.convention}), ${document.stripe}`;
  console.out(`${[title, header, ...lines].join("\n")}\n`);
  return 0;
}

function budgetOf({ parameters, flops, state, tokens = 1, convention }: SolveOptions): Budget {
  if (parameters !== undefined) {
    return {
      of: "parameters",
      value: parameters,
      convention: conventionOf(convention ?? "total", parameterConventions),
    };
  }
  if (state !== undefined) {
    return { of: "state", value: state, convention: conventionOf(convention ?? "kept", stateConventions) };
  }
  if (flops === undefined) {
    throw new RequestError(
      "no budget; expected --parameters, such as 50M, --flops, such as 3e8, or --state, such as 1M",
    );
  }
  return {
    of: "flops",
    value: flops,
    convention: conventionOf(convention ?? "training", flopConventions),
    tokens,
  };
}
