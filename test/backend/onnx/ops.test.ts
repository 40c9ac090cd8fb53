// The engine's suite of ops on ONNX: every case printed, run in onnxruntime-web, and held to the float64 reference. One
// setting of each, without gradients; the slow twin of this file has more.
import { test } from "vitest";
import { opCases } from "../../engine/cases/index.ts";
import { checkOnnxCase } from "./suite.ts";

test.each(opCases)("$name", (of) => checkOnnxCase(of, 1, false));
