// Advanced knowledge initialisation of bert2BERT (Chen et al. 2022): as Net2Net, but new units are those of the layer above.
import { stepTarget } from "../steps.ts";
import { type CopiedParameter, inTurn, planCopies } from "./copies.ts";
import { type CopyingMethod, type GrowingNetwork, growInSteps } from "./method.ts";
import { copyNetwork } from "./shares.ts";

export const aki: CopyingMethod = {
  name: "aki",
  summary: "new units are copies of units of the layer above, what reads them is shared out",
  grows: ["settings", "width"],
  preserves: false,
  twins: true,
  needsData: false,
  grow: (network, steps, { seed, noise }) =>
    growInSteps(network, steps, ({ architecture, values }, step) => {
      const rules = {
        method: "aki",
        places: inTurn,
      };
      const plan = planCopies(architecture, stepTarget(architecture, step), rules);
      return copyNetwork(plan, values, { seed, noise, unitsFrom: (parameter) => above(parameter, values) });
    }),
};

/** The same parameter one block further up, where there is one of that shape; the last block's units copy their own. */
function above({ origin, before }: CopiedParameter, values: GrowingNetwork["values"]): string | undefined {
  const name = origin.replace(/^block\.(\d+)\./, (_, block) => `block.${Number(block) + 1}.`);
  const found = name !== origin && Object.hasOwn(values, name) ? values[name]! : undefined;
  return found !== undefined && String(found.shape) === String(before) ? name : undefined;
}
