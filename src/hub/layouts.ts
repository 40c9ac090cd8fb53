// All public layouts that are known, by the `model_type` of their config.json.
import { RequestError } from "../errors.ts";
import { show } from "../strict.ts";
import { CONFIG } from "./folder.ts";
import type { Config, Layout } from "./layout.ts";
import { gpt2 } from "./layouts/gpt2.ts";
import { llama } from "./layouts/llama.ts";
import { mistral } from "./layouts/mistral.ts";
import { qwen2 } from "./layouts/qwen2.ts";
import { vit } from "./layouts/vit.ts";

export const layouts: ReadonlyMap<string, Layout> = new Map(
  [gpt2, llama, mistral, qwen2, vit].map((layout) => [layout.type, layout]),
);

/** Errors: RequestError for a network of another kind. */
export function layoutOf(folder: string, { model_type: type, architectures }: Config): Layout {
  const layout = typeof type === "string" ? layouts.get(type) : undefined;
  if (layout === undefined) {
    throw new RequestError(
      `${folder}/${CONFIG}: model_type is ${show(type)}; expected one of ${[...layouts.keys()].join(", ")}`,
    );
  }
  if (Array.isArray(architectures) && !architectures.includes(layout.model)) {
    throw new RequestError(
      `${folder}/${CONFIG}: architectures is ${show(architectures)}; expected ${layout.model}, the network with its head`,
    );
  }
  return layout;
}
