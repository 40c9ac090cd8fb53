// Arms of a study that are one architecture trained alike, by whatever name: their runs are the same, bit for bit. Trains nothing.
import type { TrialArm } from "./lengths.ts";

/** A line for each group of them. */
export function alikeLines(arms: readonly TrialArm[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { name, networks, growth, parametrisation, training, rates, steps } of arms) {
    const architectures = networks.map(({ architecture }) => architecture);
    const key = JSON.stringify([architectures, growth, parametrisation, training, rates, steps]);
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
