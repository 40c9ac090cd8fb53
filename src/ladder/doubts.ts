// What speaks against the laws and the prediction of a ladder, in lines. Fits nothing.
import type { Diagnostic } from "../scaling/diagnose.ts";
import { lowestOf } from "./progress.ts";
import type { LadderResult } from "./result.ts";

/** Where there is no prediction. */
export const nothingPredicted =
  "nothing was predicted: smaller rungs are too few, still to be run, or determine no law";
export const predictedLate = "the prediction was made when some of what it predicts had ended already";

/** What speaks against the laws, a line each. */
export function doubtsOf({ frontier, law, states, rungs, kind }: LadderResult): string[] {
  const lines = (name: string, doubts: readonly Diagnostic[]) =>
    doubts.map(({ kind, text }) => `${name}: ${kind}: ${text}`);
  return [
    ...lines("minima", frontier?.diagnostics ?? []),
    ...lines("law of losses", law?.diagnostics ?? []),
    ...states.flatMap(({ group, fit }) => lines(`law of ${group}`, fit.diagnostics)),
    ...(kind === "state" ? edgesOf(rungs) : []),
  ];
}

/** Architectures whose best size is the smallest or the largest that was run: a better one may lie beyond. */
function edgesOf(rungs: LadderResult["rungs"]): string[] {
  const ends = [
    { end: "smallest", at: (sizes: readonly number[]) => Math.min(...sizes) },
    { end: "largest", at: (sizes: readonly number[]) => Math.max(...sizes) },
  ];
  return ends.flatMap(({ end, at }) => {
    const names = rungs.flatMap(({ name, runs }) =>
      runs.length > 1 && lowestOf(runs)?.parameters === at(runs.map(({ parameters }) => parameters))
        ? [name]
        : [],
    );
    return names.length === 0
      ? []
      : [`sizes: the ${end} that was run is the best of ${names.join(", ")}; a better one may lie beyond`];
  });
}
