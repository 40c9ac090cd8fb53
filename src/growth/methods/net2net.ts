// Net2Net (Chen et al. 2016): a new unit is a copy of one drawn by chance, and what reads them shares its entries out evenly;
// a new layer is the identity, here a copy of the block before it whose output is zero.
import { initialValues } from "../../nn/initialize.ts";
import { stepTarget } from "../steps.ts";
import { type CopyRules, copiedMoments, inTurn, planCopies } from "./copies.ts";
import { blockBefore } from "./layers.ts";
import { type CopyingMethod, growInSteps } from "./method.ts";
import { copyNetwork } from "./shares.ts";

export const net2net: CopyingMethod = {
  name: "net2net",
  summary:
    "new units are copies of ones drawn by chance, what reads them is shared out; new layers do nothing",
  grows: ["settings", "width", "layers"],
  preserves: true,
  twins: true,
  needsData: false,
  grow: (network, steps, { seed, noise }) =>
    growInSteps(network, steps, ({ architecture, values }, step) => {
      const rules: CopyRules = {
        method: "net2net",
        places: (old, count, at) => drawnPlaces(old, count, at, seed),
        streamPlaces: inTurn,
        layersBeginAsNothing: true,
        ...(step.grow === "layers"
          ? { layerSources: (from, target) => blockBefore(from, target, step.add) }
          : {}),
      };
      const plan = planCopies(architecture, stepTarget(architecture, step), rules);
      return { ...copyNetwork(plan, values, { seed, noise }), plan: copiedMoments(plan) };
    }),
};

/** The old ones, then such as are drawn among them. */
function drawnPlaces(old: number, count: number, at: string, seed: number): Int32Array {
  const initializer = { kind: "uniform", low: 0, high: old } as const;
  const drawn = initialValues(`net2net/${at}`, { shape: [count], initializer, role: "hidden" }, seed);
  return Int32Array.from(drawn, (place, i) => (i < old ? i : Math.min(old - 1, Math.floor(place))));
}
