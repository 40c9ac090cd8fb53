import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { filesOf } from "../../../src/data/named/namedDataset.ts";
import { namedDatasets, requireNamed } from "../../../src/data/named/table.ts";

describe.each(namedDatasets.map((dataset) => [dataset.name, dataset] as const))("%s", (_, dataset) => {
  test("has files with sizes, checksums and addresses", () => {
    expect(dataset.downloads.length).toBeGreaterThan(0);
    for (const { file, urls, bytes, sha256, unpack } of dataset.downloads) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(bytes).toBeGreaterThan(0);
      expect(file).toMatch(/^[\w.-]+$/);
      expect(urls.length).toBeGreaterThan(0);
      for (const url of urls) expect(new URL(url).protocol).toMatch(/^https?:$/);
      for (const packed of unpack?.files ?? []) expect(packed.file).toMatch(/^[\w-][\w.-]*$/);
    }
    expect(new Set(filesOf(dataset)).size).toBe(filesOf(dataset).length);
  });

  test("has text where the loader of text finds it", () => {
    const files = filesOf(dataset);
    if (dataset.kind === "text")
      expect(files.includes("input.txt") || files.includes("train.txt")).toBe(true);
    if (dataset.split !== undefined) {
      const { training, validation, test: held } = dataset.split;
      expect(dataset.downloads[0]!.unpack!.files[0]!.atMost).toBe(training + validation + held);
    }
  });
});

test("names, and different files' checksums, are different", () => {
  expect(new Set(namedDatasets.map(({ name }) => name)).size).toBe(namedDatasets.length);
  const sums = namedDatasets.flatMap(({ downloads }) =>
    downloads.map(({ sha256, bytes }) => `${sha256} ${bytes}`),
  );
  expect(new Set(sums.map((sum) => sum.split(" ")[0])).size).toBe(new Set(sums).size);
});

test("a name that is not there is met with the nearest", () => {
  expect(() => requireNamed("mnits")).toThrow(/no data set is called mnits; .*did you mean mnist\?$/);
});

const data = process.env.SCANTLING_DATA;
test.skipIf(data === undefined)("what is said to be computed from the file is", () => {
  for (const { name, downloads } of namedDatasets) {
    for (const { file, bytes, sha256, checksum } of downloads) {
      if (checksum !== "computed") continue;
      const content = readFileSync(join(data!, name, file));
      expect(content.length).toBe(bytes);
      expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
    }
  }
});
