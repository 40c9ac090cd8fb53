// Qwen2 (Yang et al. 2024) as Qwen2ForCausalLM stores it: Llama with biases on queries, keys and values.
import { unlike } from "../layout.ts";
import { rotaryLayout } from "./rotary.ts";

const type = "qwen2";

export const qwen2 = rotaryLayout({
  type,
  model: "Qwen2ForCausalLM",
  read(keys) {
    if (keys.flag("use_sliding_window", false)) {
      throw keys.wrong("use_sliding_window", "false; windows in some of the layers are not read");
    }
    return { window: null, bias: true, outputBias: false, feedforwardBias: false };
  },
  write({ window, bias, outputBias, feedforwardBias }) {
    if (window !== null) throw unlike(type, `its window is ${window}`, "none");
    if (!bias || outputBias || feedforwardBias) {
      throw unlike(
        type,
        "its biases are others",
        "bias true and outputBias false in attention, none elsewhere",
      );
    }
    return { use_sliding_window: false };
  },
});
