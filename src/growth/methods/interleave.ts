// Interleaving (Chang et al. 2018, one of the patterns that Wang et al. 2023, "LiGO", begin with): blocks again, each right
// behind itself.
import type { Architecture } from "../../architecture/schema.ts";
import { RequestError } from "../../errors.ts";
import { type GrowthStep, repetitions, stepTarget } from "../steps.ts";
import { copiedMoments, inTurn, planCopies } from "./copies.ts";
import { blockBefore } from "./layers.ts";
import { type CopyingMethod, growInSteps } from "./method.ts";
import { copyNetwork } from "./shares.ts";

type LayersStep = Extract<GrowthStep, { readonly grow: "layers" }>;

export const interleave: CopyingMethod = {
  name: "interleave",
  summary: "new layers are copies of the blocks, each right behind its own",
  grows: ["layers"],
  preserves: false,
  twins: false,
  needsData: false,
  grow(network, steps, { seed }) {
    const parts = steps.map((step) => everyBlock(network.architecture, step as LayersStep));
    if (steps.length > 1)
      throw new RequestError("grow: interleaved layers go in between once; expected +N@last");
    return growInSteps(network, parts.flat(), ({ architecture, values }, step) => {
      const rules = {
        method: "interleave",
        places: inTurn,
        layerSources: (from: Architecture, target: ReturnType<typeof stepTarget>) =>
          blockBefore(from, target, (step as LayersStep).add),
      };
      const plan = planCopies(architecture, stepTarget(architecture, step), rules);
      return { ...copyNetwork(plan, values, { seed }), plan: copiedMoments(plan) };
    });
  },
};

/** So many blocks behind each as there are to add, spread evenly; from the last block down, so that numbers stay. */
function everyBlock(architecture: Architecture, { add, at }: LayersStep): LayersStep[] {
  if (at !== "last")
    throw new RequestError("grow: interleaved layers are spread over all blocks; expected +N@last");
  const blocks = repetitions(architecture).length;
  const total = blocks + add;
  const copies = (block: number) =>
    Math.floor(((block + 1) * total) / blocks) - Math.floor((block * total) / blocks) - 1;
  return Array.from({ length: blocks }, (_, i) => blocks - 1 - i)
    .map((block): LayersStep => ({ grow: "layers", add: copies(block), at: block + 1 }))
    .filter(({ add }) => add > 0);
}
