// LEMON (Wang et al. 2023): copies share unevenly what reads them, so that they are no twins; features beyond whole copies
// hold the mean of the others, which layer norms do not notice; new layers do nothing.
import { stepTarget } from "../steps.ts";
import { type CopyRules, inTurn, planCopies } from "./copies.ts";
import { blockBefore } from "./layers.ts";
import { type CopyingMethod, growInSteps } from "./method.ts";
import { copyNetwork } from "./shares.ts";

export const lemon: CopyingMethod = {
  name: "lemon",
  summary: "copies, unevenly shared out by what reads them; any width; new layers do nothing",
  grows: ["settings", "width", "layers"],
  preserves: true,
  twins: false,
  needsData: false,
  grow: (network, steps, { seed }) =>
    growInSteps(network, steps, ({ architecture, values }, step) => {
      const rules: CopyRules = {
        method: "lemon",
        places: inTurn,
        streamPlaces: wholeCopies,
        layersBeginAsNothing: true,
        ...(step.grow === "layers"
          ? { layerSources: (from, target) => blockBefore(from, target, step.add) }
          : {}),
      };
      const plan = planCopies(architecture, stepTarget(architecture, step), rules);
      return copyNetwork(plan, values, { seed, unevenly: true });
    }),
};

/** Copies of all as often as they fit, and none behind them. */
function wholeCopies(old: number, count: number): Int32Array {
  const covered = count - (count % old);
  return Int32Array.from({ length: count }, (_, i) => (i < covered ? i % old : -1));
}
