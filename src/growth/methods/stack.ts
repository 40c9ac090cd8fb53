// Depth stacking (Gong et al. 2019; Du et al. 2024, "G_stack"): the blocks again, on top of themselves.
import { stepTarget } from "../steps.ts";
import { inTurn, planCopies } from "./copies.ts";
import { blocksInTurn } from "./layers.ts";
import { type GrowthMethod, growInSteps } from "./method.ts";
import { copyNetwork } from "./shares.ts";

export const stack: GrowthMethod = {
  name: "stack",
  summary: "new layers are copies of the blocks from the first on, on top of them",
  grows: ["layers"],
  preserves: false,
  twins: false,
  grow: (network, steps, { seed }) =>
    growInSteps(network, steps, ({ architecture, values }, step) => {
      const rules = { method: "stack", places: inTurn, layerSources: blocksInTurn };
      return copyNetwork(planCopies(architecture, stepTarget(architecture, step), rules), values, { seed });
    }),
};
