// HyperCloning (Samragh et al. 2024): matrices n times in both directions, divided by n.
import { RequestError } from "../../errors.ts";
import { stepTarget } from "../steps.ts";
import { type CopyRules, copiedMoments, inTurn, planCopies } from "./copies.ts";
import { type CopyingMethod, growInSteps } from "./method.ts";
import { copyNetwork } from "./shares.ts";

export const hyperCloning: CopyingMethod = {
  name: "hypercloning",
  summary: "everything that grows is there n times, what reads it is divided by n",
  grows: ["settings", "width"],
  preserves: true,
  twins: true,
  needsData: false,
  grow: (network, steps, { seed, noise }) =>
    growInSteps(network, steps, ({ architecture, values }, step) => {
      const plan = planCopies(architecture, stepTarget(architecture, step), rules);
      return { ...copyNetwork(plan, values, { seed, noise }), plan: copiedMoments(plan) };
    }),
};

const rules: CopyRules = {
  method: "hypercloning",
  places(old, count) {
    if (count % old === 0) return inTurn(old, count);
    throw new RequestError(
      `grow: hypercloning cannot make ${count} of ${old}; expected a multiple, or method net2net or lemon`,
    );
  },
};
