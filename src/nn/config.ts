// What a scantling.config.ts may say. Knows neither files nor commands.
import { z } from "zod";
import { parseStrict } from "../strict.ts";
import type { Primitive } from "./primitive.ts";

/** What a user adds to scantling. */
export interface Config {
  /** Primitives of one's own, made by `definePrimitive`. Default: none. */
  readonly primitives?: readonly Primitive[];
}

const schema = z.object({
  primitives: z.array(z.custom<Primitive>(), "expected a list of what definePrimitive gives").default([]),
});

/** The default export of a `scantling.config.ts`. Errors: RequestError for unknown keys and for no list. */
export function defineConfig(config: Config): Required<Config> {
  return parseStrict("config", schema, config);
}
