// Every parameter source there is, by name, and their order on top of each other.
import type { ParameterSource } from "../parameters.ts";
import { bank } from "./bank.ts";
import { lora } from "./lora.ts";
import { maps } from "./maps.ts";
import { mpo } from "./mpo.ts";
import { share } from "./share.ts";
import { levels, type Source, type SourceModule, type SourceSurroundings } from "./source.ts";
import { ternary } from "./ternary.ts";

export const sources: ReadonlyMap<string, Source> = new Map(
  [share, lora, maps, bank, mpo, ternary].map((source) => [source.name, source]),
);

/** From the lowest level up; on one level in the order given. */
export function inOrder(modules: readonly SourceModule[]): SourceModule[] {
  return levels.flatMap((level) => modules.filter((module) => module.level === level));
}

/** `stored` as the modules show it. */
export function wrapSources(
  modules: readonly SourceModule[],
  surroundings: SourceSurroundings,
  stored: ParameterSource,
): ParameterSource {
  return inOrder(modules).reduce((below, module) => module.wrap(surroundings, below, stored), stored);
}
