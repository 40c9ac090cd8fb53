// The feed-forward layer with one hidden activation: relu, squaredRelu, gelu (its tanh form) and geluExact, one primitive
// each.
// Vaswani et al. 2017, equation 2; squared ReLU: So et al. 2021; GELU: Hendrycks and Gimpel 2016.
import { z } from "zod";
import { wholeNumber } from "../strict.ts";
import {
  gelu as geluOf,
  geluTanh,
  relu as reluOf,
  squaredRelu as squaredReluOf,
} from "../tensor/composites/activation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingLinear, hiddenUnits } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Primitive } from "./primitive.ts";
import { mlpInPyTorch } from "./pytorch/feedforward.ts";

const DEAD = "its activation stands after the second map, where new outputs begin at 0 and could not learn";

/** What `activation` makes of x near 0 changes with x. */
type Start = "changes" | "stays";

function mlp(
  name: "relu" | "squaredRelu" | "gelu" | "geluExact",
  activation: (x: Tensor) => Tensor,
  atZero: Start,
): Primitive {
  return definePrimitive({
    name,
    settings: {
      /** Hidden features; default 4 · width. */
      feedforward: wholeNumber().optional(),
      bias: z.boolean("expected true or false").default(false),
      /** The activation stands after the second map, too, as in WideNet's code. */
      activationAfter: z.boolean("expected true or false").default(false),
    },
    resolve: (settings, { width }) => ({ ...settings, feedforward: settings.feedforward ?? 4 * width }),
    causal: () => true,
    apply({ feedforward, bias, activationAfter }, { width, standardDeviation }, scope, x) {
      const up = linearMap(scope.within("up"), x, { width: feedforward!, bias, standardDeviation });
      const hidden = scope.observe("hidden", activation(scope.observe("up", up)));
      const down = linearMap(scope.within("down"), hidden, { width, bias, standardDeviation });
      return activationAfter ? activation(down) : down;
    },
    pytorch: mlpInPyTorch(name),
    growth: {
      settings: ["feedforward"],
      declare: ({ feedforward, bias, activationAfter }) => ({
        sizes: { feedforward: feedforward! },
        copies: ["width", "feedforward"],
        parameters: {
          ...growingLinear("up", ["width", "feedforward"], { bias }),
          ...growingLinear("down", ["feedforward", "width"], {
            bias,
            added: { feedforward: "zero", width: "output" },
          }),
        },
        nonlinearOutput: activationAfter,
        ...(activationAfter ? {} : { units: hiddenUnits(bias) }),
        ...(activationAfter && atZero === "stays" ? { cannotBegin: DEAD } : {}),
      }),
      refuse: (before, after) =>
        before.settings.activationAfter &&
        atZero === "stays" &&
        before.surroundings.width !== after.surroundings.width
          ? DEAD
          : undefined,
    },
  });
}

export const relu = mlp("relu", reluOf, "stays");
export const squaredRelu = mlp("squaredRelu", squaredReluOf, "stays");
export const gelu = mlp("gelu", geluTanh, "changes");
export const geluExact = mlp("geluExact", geluOf, "changes");
