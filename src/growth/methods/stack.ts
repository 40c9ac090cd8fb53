// Depth stacking (Gong et al. 2019; Du et al. 2024, "G_stack"): the blocks again, on top of themselves.
import { stepTarget } from "../steps.ts";
import { copiedMoments, inTurn, planCopies } from "./copies.ts";
import { blocksInTurn } from "./layers.ts";
import { type CopyingMethod, growInSteps } from "./method.ts";
import { copyNetwork } from "./shares.ts";

export const stack: CopyingMethod = {
  name: "stack",
  summary: "new layers are copies of the blocks from the first on, on top of them",
  grows: ["layers"],
  preserves: false,
  twins: false,
  needsData: false,
  grow: (network, steps, { seed }) =>
    growInSteps(network, steps, ({ architecture, values }, step) => {
      const rules = { method: "stack", places: inTurn, layerSources: blocksInTurn };
      const plan = planCopies(architecture, stepTarget(architecture, step), rules);
      return { ...copyNetwork(plan, values, { seed }), plan: copiedMoments(plan) };
    }),
};
