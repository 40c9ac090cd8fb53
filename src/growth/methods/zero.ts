// New parts that nobody reads yet (Gesmundo and Maile 2023): what reads them is zero, the rest begins as in a new network.
import { growNetwork } from "../grow.ts";
import { planStep } from "../steps.ts";
import { type CopyingMethod, growInSteps } from "./method.ts";

export const zero: CopyingMethod = {
  name: "zero",
  summary: "what reads new parts is zero, the rest begins as in a new network",
  grows: ["settings", "width", "layers", "architecture"],
  preserves: true,
  twins: false,
  needsData: false,
  grow: (network, steps, { seed }) =>
    growInSteps(network, steps, ({ architecture, values }, step) => {
      const plan = planStep(architecture, step);
      return { ...growNetwork(plan, values, seed), plan };
    }),
};
