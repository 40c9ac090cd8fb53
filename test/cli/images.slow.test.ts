// The built-in drawings: the default classifier learns them within a few minutes. On all cores, as results do not depend
// on how many threads there are, and nothing runs beside it.
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { ImageEvaluation } from "../../src/train/evaluateImages.ts";
import { scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

test("900 steps of the default on the drawn shapes leave fewer than a tenth of the test images wrong", async () => {
  const run = join(folder.path, "shapes");
  const words = ["train", "--data", "shapes", "--steps", "900", "--out", run];
  expect((await scantling(words)).exitCode).toBe(0);
  const { out } = await scantling(["evaluate", run, "--json"]);
  const { accuracy, images } = JSON.parse(out) as ImageEvaluation;
  expect(images).toBe(2000);
  expect(accuracy.value).toBeGreaterThan(0.9);
}, 1_800_000);
