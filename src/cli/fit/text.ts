// A fit as lines of text. Fits nothing.

import type { Diagnostic } from "../../scaling/diagnose.ts";
import type { Fit } from "../../scaling/fit.ts";
import type { Estimate } from "../../scaling/intervals.ts";
import type { IsoflopFit } from "../../scaling/isoflop.ts";
import type { FrontierFit } from "../../scaling/powerLaw.ts";

/** What `scantling fit --json` prints. */
export type FitDocument = {
  readonly file: string;
  /** Where each quantity came from. */
  readonly columns: Readonly<Record<string, string>>;
  readonly compared?: { readonly constants: readonly number[]; readonly objective: number };
  readonly heldOut?: readonly HeldOut[];
} & (Fit | FrontierFit | IsoflopFit);

/** A run that was predicted. */
export interface HeldOut {
  /** The first cell of its row. */
  readonly row: string;
  readonly inputs: readonly number[];
  readonly measured: number;
  readonly predicted: number;
  /** Of the law, not of single runs; null where it is unknown. */
  readonly interval: readonly [number, number] | null;
  /** predicted / measured - 1. */
  readonly error: number;
}

const serious: ReadonlySet<Diagnostic["kind"]> = new Set([
  ...(["poor fit", "local optimum", "undetermined", "unlikely units"] as const),
]);

/** What was fitted, doubts first. */
export function fitText(document: FitDocument): string {
  const { diagnostics } = document;
  const said = ({ kind, text }: Diagnostic) =>
    serious.has(kind) ? `${kind.toUpperCase()}: ${text}` : `${kind}: ${text}`;
  const doubts = [...diagnostics].sort((a, b) => Number(serious.has(b.kind)) - Number(serious.has(a.kind)));
  const { constants } = document;
  return [
    ...doubts.map(said),
    `${document.formula}   (${document.law}, ${document.points} runs)`,
    document.convention,
    ...Object.entries(document.columns).map(([quantity, column]) => `  ${quantity} from ${column}`),
    "",
    ...estimateLines({ ...constants, ...("derived" in document ? document.derived : {}) }),
    "",
    ...("goodness" in document ? goodnessLines(document) : optimumLines(document)),
    ...(document.compared === undefined
      ? []
      : [`objective of the constants to compare ${document.compared.objective.toPrecision(8)}`]),
    ...(document.heldOut ?? []).map(
      ({ row, measured, predicted, interval, error }) =>
        `  ${row.padEnd(40)} measured ${measured.toFixed(4)}  predicted ${predicted.toFixed(4)}${between(interval)}  ${percent(error)}`,
    ),
    "",
  ].join("\n");
}

function estimateLines(estimates: Readonly<Record<string, Estimate>>): string[] {
  return Object.entries(estimates).map(([name, { value, standardError, interval }]) => {
    const error = standardError === null ? "" : `± ${number(standardError)}`;
    const between = interval === null ? "" : `[${number(interval[0])}, ${number(interval[1])}]`;
    return `  ${name.padEnd(8)} ${number(value).padStart(12)}  ${error.padEnd(14)} ${between}`.trimEnd();
  });
}

function goodnessLines({ objective, goodness, intervals, starts }: Fit): string[] {
  const { rSquared, rootMeanSquare, largest } = goodness;
  const methods = {
    bootstrap: `95 % intervals by ${intervals.samples} bootstraps over runs`,
    linearised: "95 % intervals by the linear approximation at the minimum",
    none: "no intervals",
  };
  return [
    `objective ${objective.toPrecision(8)}, reached from ${starts.reached} of ${starts.tried} starts`,
    `R² ${rSquared.toFixed(5)}, root mean square error ${(100 * rootMeanSquare).toFixed(2)} %, largest ${(100 * largest).toFixed(2)} %`,
    methods[intervals.method],
  ];
}

function optimumLines({ optima }: FrontierFit): string[] {
  return optima.map(
    ({ flops, parameters, loss }) =>
      `  ${flops.toExponential(2)} FLOP: ${parameters.toExponential(3)} parameters, ${(flops / (6 * parameters)).toExponential(3)} tokens, loss ${loss.toFixed(4)}`,
  );
}

function number(value: number): string {
  const size = Math.abs(value);
  return size >= 1e6 || (size < 1e-3 && size > 0) ? value.toExponential(4) : value.toPrecision(6);
}

function between(interval: readonly [number, number] | null): string {
  return interval === null ? "" : ` [${interval.map((end) => end.toFixed(4)).join(", ")}]`;
}

function percent(share: number): string {
  return `${share < 0 ? "-" : "+"}${(100 * Math.abs(share)).toFixed(2)} %`;
}
