// Llama 1, 2 and 3 (Touvron et al. 2023; Grattafiori et al. 2024) as LlamaForCausalLM stores them.
import { unlike } from "../layout.ts";
import { rotaryLayout } from "./rotary.ts";

const type = "llama";

export const llama = rotaryLayout({
  type,
  model: "LlamaForCausalLM",
  read(keys) {
    const bias = keys.flag("attention_bias", false);
    return { window: null, bias, outputBias: bias, feedforwardBias: keys.flag("mlp_bias", false) };
  },
  write({ window, bias, outputBias, feedforwardBias }, before) {
    if (window !== null) throw unlike(type, `its window is ${window}`, "none; the layout mistral has one");
    if (bias !== outputBias) throw unlike(type, "only some maps of its attention have biases", "all or none");
    const flags = { attention_bias: bias, mlp_bias: feedforwardBias };
    return Object.fromEntries(Object.entries(flags).filter(([key, set]) => set || before[key] !== undefined));
  },
});
