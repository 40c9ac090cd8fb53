// Mistral (Jiang et al. 2023) as MistralForCausalLM stores it: Llama with a window.
import { unlike } from "../layout.ts";
import { rotaryLayout } from "./rotary.ts";

const type = "mistral";

export const mistral = rotaryLayout({
  type,
  model: "MistralForCausalLM",
  read(keys) {
    // Absent, it is 4096; null: none.
    const window =
      keys.has("sliding_window") && keys.raw("sliding_window") === undefined
        ? null
        : keys.whole("sliding_window", 4096);
    return { window, bias: false, outputBias: false, feedforwardBias: false };
  },
  write({ window, bias, outputBias, feedforwardBias }) {
    if (bias || outputBias || feedforwardBias) throw unlike(type, "it has biases", "none");
    return { sliding_window: window };
  },
});
