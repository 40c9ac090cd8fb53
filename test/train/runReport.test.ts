// What the page of a run says.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { RequestError } from "../../src/errors.ts";
import { writeRunReport } from "../../src/train/runReport.ts";
import { train } from "../../src/train/train.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { writeTinyImages } from "../trial/tinyImages.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

it("tells the facts of the run on a page, every text escaped", async () => {
  const text = join(folder.path, "text.txt");
  writeFileSync(text, "abcd ".repeat(100));
  const run = join(folder.path, "run");
  const options = {
    ...{ machine: createReference(), folder: run, data: { data: text } },
    architecture: { length: 4, width: 8, heads: 2, feedforward: 8 },
    training: { steps: 4, batch: 2, seed: 1 },
  };
  for await (const _ of train(options));
  const { report, path } = writeRunReport(run, { command: "a < b", ending: "finished", sample: "<b>" });
  expect(report.facts.map(({ name }) => name)).toContain("validation loss");
  expect(report.facts.map(({ name }) => name)).not.toContain("lowest possible");
  const page = readFileSync(path, "utf8");
  expect(page).toContain("a &#60; b");
  expect(page).not.toContain("<b>");
});

it("says of a run on images that its losses are of images", async () => {
  const run = join(folder.path, "images");
  const data = join(folder.path, "tiny");
  writeTinyImages(data, 20, 4);
  const options = {
    ...{ machine: createReference(), folder: run, images: { data, patch: 4 } },
    architecture: { width: 8, heads: 2, layers: 1 },
    training: { steps: 1, batch: 2, seed: 1 },
  };
  for await (const _ of train(options));
  const { path } = writeRunReport(run, { command: "a", ending: "finished" });
  expect(readFileSync(path, "utf8")).toContain("loss (nat per image)");
});

it("refuses a folder without a run and leaves nothing there", () => {
  const empty = join(folder.path, "empty");
  expect(() => writeRunReport(empty, { command: "", ending: "" })).toThrow(RequestError);
  expect(existsSync(empty)).toBe(false);
});
