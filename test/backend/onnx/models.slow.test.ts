// Layers of other kinds of models, their gradients too, on ONNX: loops, experts, long convolutions, chunked recurrences.
import { test } from "vitest";
import { deltaRuleModel } from "../../models/deltaRule.ts";
import { capacityModel, droplessModel } from "../../models/experts.ts";
import { trainingProgram } from "../../models/harness.ts";
import { hyenaModel } from "../../models/hyena.ts";
import { lstmModel } from "../../models/lstm.ts";
import { selectiveScanModel } from "../../models/selectiveScan.ts";
import { generator } from "../../tensor/harness.ts";
import { expectReference } from "./suite.ts";

const experts = { tokens: 13, width: 7, inner: 9, experts: 4 };

test.each([
  ["LSTM", lstmModel(generator(1), { batch: 3, length: 11, width: 8, state: 17 })],
  ["selective scan", selectiveScanModel(generator(2), { batch: 2, length: 23, width: 20, state: 16 })],
  [
    "gated delta rule",
    deltaRuleModel(generator(3), { batch: 1, length: 19, heads: 2, keyWidth: 16, valueWidth: 9, chunk: 8 }),
  ],
  ["experts with a capacity", capacityModel(generator(4), experts, 5)],
  ["dropless experts", droplessModel(generator(5), experts)],
  [
    "gated long convolution",
    hyenaModel(generator(6), { batch: 2, length: 17, width: 6, taps: 3, filterWidth: 5 }),
  ],
])("%s", async (_, model) => {
  await expectReference(trainingProgram(model), model.values, 1e-4);
});
