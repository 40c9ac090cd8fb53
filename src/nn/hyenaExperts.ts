// Hyena experts: the mixed features are dealt to experts, and a router weighs them for every token. Poli, Thomas et al.
// 2024 (MAD), section 4.1 of "Mechanistic Design and Scaling of Hybrid Architectures". B batch, T length, D width, E inner
// width, X experts.

import { RequestError } from "../errors.ts";
import { oneOf, wholeNumber } from "../strict.ts";
import { softmax } from "../tensor/composites/softmax.ts";
import { equal, multiply, or, select } from "../tensor/ops/elementwise.ts";
import { iota } from "../tensor/ops/leaf.ts";
import { reshape, slice } from "../tensor/ops/movement.ts";
import { sum } from "../tensor/ops/reduce.ts";
import { topK } from "../tensor/ops/sort.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingLinear, growingOutput, placeLabels } from "./growth.ts";
import {
  growingOperator,
  operate,
  operateStep,
  operatorSettings,
  operatorState,
  resolveOperator,
  stateAfter,
} from "./hyena/operator.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Surroundings } from "./primitive.ts";
import { hyenaExpertsInPyTorch } from "./pytorch/hyena.ts";
import type { Scope } from "./scope.ts";

/** Stands for minus infinity. */
const LOW = -1e30;

export const hyenaExperts = definePrimitive({
  name: "hyena-experts",
  settings: {
    ...operatorSettings,
    /** X, a divisor of E. */
    experts: wholeNumber().default(8),
    /** Experts that the router chooses for a token. */
    chosen: wholeNumber(1, 64).default(2),
    /** Others get no weight (out), or weigh like a logit of 0 (zero), as mad-lab's code has it. */
    others: oneOf(["out", "zero"]).default("out"),
  },
  resolve(settings, surroundings, what) {
    const { expand, experts, chosen } = settings;
    const wide = expand * surroundings.width;
    if (wide % experts !== 0) {
      throw new RequestError(
        `${what}: inner width ${wide} is not divisible by experts ${experts}; expected a divisor of it`,
      );
    }
    if (chosen > experts) {
      throw new RequestError(`${what}: chosen is ${chosen}; expected at most the ${experts} experts`);
    }
    return resolveOperator(settings, surroundings, what);
  },
  causal: () => true,
  apply: (settings, surroundings, scope, x) =>
    projectOut(settings, surroundings, scope, x, operate(settings, surroundings, scope, x).mixed),
  decoding: {
    mad: ({ expand, filterWidth }, { width }) => expand * width * filterWidth,
    state: operatorState,
    step(settings, surroundings, scope, x, before, position) {
      const { mixed, state } = operateStep(settings, surroundings, scope, x, before, position);
      return { y: projectOut(settings, surroundings, scope, x, mixed), state };
    },
    prefill(settings, surroundings, scope, x, capacity) {
      const operated = operate(settings, surroundings, scope, x);
      const y = projectOut(settings, surroundings, scope, x, operated.mixed);
      return { y, state: stateAfter(operated, settings, capacity) };
    },
  },
  pytorch: hyenaExpertsInPyTorch,
  growth: {
    settings: ["filterWidth"],
    declare(settings, surroundings) {
      const { parameters, sizes, labels, ...operator } = growingOperator(settings, surroundings);
      const { experts, bias } = settings;
      const dealt = sizes.inner! / experts;
      return {
        ...operator,
        sizes: { ...sizes, experts, dealt },
        labels: { ...labels, experts: placeLabels(experts), dealt: placeLabels(dealt, `of ${dealt}`) },
        parameters: {
          ...parameters,
          ...growingLinear("router", ["width", "experts"], { bias }),
          ...growingOutput("dealt", bias),
        },
      };
    },
    refuse: ({ surroundings: before }, { surroundings: after }) =>
      before.width === after.width ? undefined : "its inner features, dealt to experts, go by the width",
  },
});

interface Routing {
  readonly experts: number;
  readonly chosen: number;
  readonly others: "out" | "zero";
  readonly bias: boolean;
}

/** x [..., D] routes mixed [..., E] → [..., D]. Neighbouring features belong to different experts. */
function projectOut(
  routing: Routing,
  { width, standardDeviation }: Surroundings,
  scope: Scope,
  x: Tensor,
  mixed: Tensor,
): Tensor {
  const { experts, bias } = routing;
  const leading = x.shape.slice(0, -1);
  const weights = reshape(expertWeights(routing, standardDeviation, scope, x), [...leading, 1, experts]);
  const dealt = reshape(mixed, [...leading, mixed.shape.at(-1)! / experts, experts]);
  return linearMap(scope.within("output"), sum(multiply(dealt, weights), [-1]), {
    width,
    bias,
    standardDeviation,
  });
}

/** x [..., D] → weights [..., X] that sum to 1. */
function expertWeights(
  { experts, chosen, others, bias }: Routing,
  standardDeviation: number,
  scope: Scope,
  x: Tensor,
): Tensor {
  const logits = linearMap(scope.within("router"), x, { width: experts, bias, standardDeviation });
  const { indices } = topK(logits, chosen);
  const numbers = iota(logits.shape, logits.shape.length - 1);
  const isChosen = Array.from({ length: chosen }, (_, rank) =>
    equal(slice(indices, { [-1]: [rank, rank + 1] }), numbers),
  ).reduce(or);
  return scope.observe("weights", softmax(select(isChosen, logits, others === "out" ? LOW : 0)));
}
