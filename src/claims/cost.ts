// What a claim costs, as far as that is known without data or a clock. Trains nothing.
import { defineTrial } from "../trial/define.ts";
import type { Claim, Scale } from "./claim.ts";

/** Characters of an ordinary text. */
const data = { name: "text", vocabulary: 65, trainingTokens: 1e9, validationTokens: 1e6 };

/** Runs at most, and their training FLOPs. */
export function claimCost(
  { studies }: Claim,
  scale: Scale,
): { readonly runs: number; readonly flops: number } {
  const runs = studies[scale].flatMap(({ input }) => {
    const { runs, settings } = defineTrial(input, { data });
    if (settings.stop === "full") return runs.flat(2);
    // One rate has all seeds, the others the first.
    return runs.flatMap((rates) => rates.flatMap((seeds, rate) => (rate === 0 ? seeds : seeds.slice(0, 1))));
  });
  return { runs: runs.length, flops: runs.reduce((sum, { flops }) => sum + flops, 0) };
}
