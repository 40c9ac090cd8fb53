// The experts of mad-lab (athms/mad-lab, layers/mlp.py, MoeMlp), which Poli et al. 2024 call a mixture of experts with the
// best two of eight, as its code has it: an expert that is not chosen weighs like a logit of 0, so all take part; the way
// down is one matrix from the hidden features of all experts to the outputs of all. B batch, T length, D width, F hidden
// features of an expert, E experts.

import { RequestError } from "../errors.ts";
import { oneOf, trueOrFalse, wholeNumber } from "../strict.ts";
import { geluTanh } from "../tensor/composites/activation.ts";
import { softmax } from "../tensor/composites/softmax.ts";
import { less, multiply, select } from "../tensor/ops/elementwise.ts";
import { reshape, slice } from "../tensor/ops/movement.ts";
import { sum } from "../tensor/ops/reduce.ts";
import { topK } from "../tensor/ops/sort.ts";
import { growingLinear } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive } from "./primitive.ts";
import { madExpertsInPyTorch } from "./pytorch/experts.ts";

/** x [B, T, D] → Σₑ softmax(logits)ₑ · zₑ with z = (up x · gelu(gate x)) down. */
export const madExperts = definePrimitive({
  name: "moe-mlp",
  settings: {
    /** E. */
    experts: wholeNumber().default(8),
    /** Experts whose logits are kept. */
    chosen: wholeNumber().default(2),
    /** The logits of others count as 0 (zero, mad-lab's code), or they get no weight (out). */
    others: oneOf(["zero", "out"]).default("zero"),
    /** F. */
    feedforward: wholeNumber().default(16),
    bias: trueOrFalse().default(false),
    /** Declares mad-lab's `gates` [E, F], which nothing reads, so that sizes agree. */
    unusedGates: trueOrFalse().default(true),
  },
  resolve(settings, _, what) {
    const { chosen, experts } = settings;
    if (chosen > experts) {
      throw new RequestError(`${what}: chosen is ${chosen}; expected at most the ${experts} experts`);
    }
    return settings;
  },
  causal: () => true,
  apply({ experts, chosen, others, feedforward, bias, unusedGates }, { width, standardDeviation }, scope, x) {
    const [batch, length] = x.shape as [number, number, number];
    const options = { width: experts * feedforward, bias, standardDeviation };
    const up = linearMap(scope.within("up"), x, options);
    const gate = linearMap(scope.within("gate"), x, options);
    const hidden = scope.observe("hidden", multiply(up, geluTanh(gate)));
    const down = linearMap(scope.within("down"), hidden, { ...options, width: experts * width });
    const router = { width: experts, bias: true, standardDeviation };
    const logits = linearMap(scope.within("router"), x, router);
    const least = slice(topK(logits, chosen).values, { [-1]: [chosen - 1, chosen] });
    const kept = select(less(logits, least), others === "zero" ? 0 : -1e30, logits);
    const weights = scope.observe("weights", softmax(kept));
    if (unusedGates) {
      scope.parameter("gates", {
        shape: [experts, feedforward],
        initializer: { kind: "normal", standardDeviation: 1 },
        role: "hidden",
        activeShare: 0,
      });
    }
    // Neighbouring outputs belong to different experts.
    const dealt = reshape(down, [batch, length, width, experts]);
    return sum(multiply(dealt, reshape(weights, [batch, length, 1, experts])), [-1]);
  },
  pytorch: madExpertsInPyTorch,
  growth: {
    settings: ["feedforward"],
    declare: ({ experts, feedforward, bias }) => ({
      sizes: { experts, feedforward, hidden: experts * feedforward },
      parameters: {
        ...growingLinear("up", ["width", "hidden"], { bias }),
        ...growingLinear("gate", ["width", "hidden"], { bias }),
        ...growingLinear("down", ["hidden", "width experts"], {
          bias,
          added: { hidden: "zero", width: "output" },
        }),
        ...growingLinear("router", ["width", "experts"], { bias: true }),
        gates: { axes: "experts, feedforward" },
      },
      nonlinearOutput: true,
    }),
  },
});
