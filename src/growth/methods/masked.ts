// Masked structural growth (Yao et al. 2023, "MSG"): new parts begin as in a new network, behind masks that rise from 0 to 1
// while the network is trained.
import { RequestError } from "../../errors.ts";
import { type GrowthNote, growNetwork } from "../grow.ts";
import { countMasked, growMasks, type Masks, withoutMasks } from "../masks.ts";
import type { GrowthPlan } from "../plan.ts";
import { planStep } from "../steps.ts";
import { type CopyingMethod, growInSteps } from "./method.ts";

export const masked: CopyingMethod = {
  name: "masked",
  summary:
    "new parts are as in a new network, and masked at first; the masks rise over some steps of training",
  grows: ["settings", "width", "layers", "architecture"],
  preserves: true,
  twins: false,
  needsData: false,
  masks: true,
  grow(network, steps, { seed }) {
    let masks: Masks = new Map();
    let behind = network.values;
    const grown = growInSteps(network, steps, ({ architecture, values }, step) => {
      const seen = planStep(architecture, step);
      const plan = withoutMasks(seen);
      masks = growMasks(masks, seen);
      behind = growNetwork(plan, behind, seed).values;
      const made = growNetwork(seen, values, seed);
      return { ...made, plan, notes: made.notes.map((note) => noted(note, seen)) };
    });
    if (masks.size > 0) return { ...grown, masked: { masks, values: behind } };
    throw new RequestError(
      "grow: masked finds nothing to mask: all that is new here are copies of what there is; expected method zero",
    );
  },
};

function noted({ how: _, ...note }: GrowthNote, { parameters }: GrowthPlan): GrowthNote {
  const count = countMasked(parameters.find(({ name }) => name === note.name)!);
  return { ...note, zero: 0, ...(count === 0 ? {} : { how: `${count} are masked` }) };
}
