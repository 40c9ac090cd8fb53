// Gated feed-forward layers: swiglu and geglu (by the tanh form of GELU). Shazeer 2020, equations 5 and 6.
import { z } from "zod";
import { wholeNumber } from "../strict.ts";
import { geluTanh, silu } from "../tensor/composites/activation.ts";
import { multiply } from "../tensor/ops/elementwise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { growingLinear, hiddenUnits } from "./growth.ts";
import { linearMap } from "./linear.ts";
import { definePrimitive, type Primitive } from "./primitive.ts";
import { gatedInPyTorch } from "./pytorch/feedforward.ts";

/** Three matrices of 8/3 · width cost what two of 4 · width do; rounded up to whole vectors. */
function defaultFeedforward(width: number): number {
  return 8 * Math.ceil(width / 3);
}

function gated(name: "swiglu" | "geglu", activation: (x: Tensor) => Tensor): Primitive {
  return definePrimitive({
    name,
    settings: {
      /** Hidden features; default 8/3 · width, rounded up to a multiple of 8. */
      feedforward: wholeNumber().optional(),
      bias: z.boolean("expected true or false").default(false),
    },
    resolve: (settings, { width }) => ({
      ...settings,
      feedforward: settings.feedforward ?? defaultFeedforward(width),
    }),
    causal: () => true,
    apply({ feedforward, bias }, { width, standardDeviation }, scope, x) {
      const project = (part: string) =>
        scope.observe(
          part,
          linearMap(scope.within(part), x, { width: feedforward!, bias, standardDeviation }),
        );
      const hidden = scope.observe("hidden", multiply(activation(project("gate")), project("up")));
      return linearMap(scope.within("down"), hidden, { width, bias, standardDeviation });
    },
    pytorch: gatedInPyTorch(name),
    growth: {
      settings: ["feedforward"],
      declare: ({ feedforward, bias }) => ({
        sizes: { feedforward: feedforward! },
        copies: ["width", "feedforward"],
        units: hiddenUnits(bias),
        parameters: {
          ...growingLinear("gate", ["width", "feedforward"], { bias }),
          ...growingLinear("up", ["width", "feedforward"], { bias }),
          ...growingLinear("down", ["feedforward", "width"], {
            bias,
            added: { feedforward: "zero", width: "output" },
          }),
        },
      }),
    },
  });
}

export const swiglu = gated("swiglu", silu);
export const geglu = gated("geglu", geluTanh);
