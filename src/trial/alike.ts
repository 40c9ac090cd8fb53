// Arms of a study that are one architecture trained alike, by whatever name: their runs are the same, bit for bit. Trains nothing.
import { canonicalText } from "../study/canonical.ts";
import type { Json } from "../study/job.ts";
import type { TrialArm } from "./lengths.ts";

/** A line for each group of them. */
export function alikeLines(arms: readonly TrialArm[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { name, networks, growth, parametrisation, training, rates, steps } of arms) {
    const architectures = networks.map(({ architecture }) => architecture);
    // Whatever order their settings were written in.
    const trained = [growth, parametrisation ?? null, training, rates, steps];
    const key = canonicalText([architectures, trained] as unknown as Json);
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()].flatMap((names) =>
    names.length < 2
      ? []
      : [
          `${names.join(" and ")} are one architecture, trained alike: their runs are the same, and no seed tells them apart.`,
        ],
  );
}
