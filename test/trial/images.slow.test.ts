// A study on tiny images end to end, each run in a process of its own, and then with one more seed.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtFolder, main } from "../built.ts";
import { writeTinyImages } from "./tinyImages.ts";

const folder = builtFolder();

const study = `
images: tiny
arms:
  plain: { architecture: { width: 16, layers: 1, heads: 2, causal: false, positions: learned, standardDeviation: 0.25 } }
  experts:
    architecture:
      { width: 16, positions: learned, standardDeviation: 0.25, stripe: "[attention(heads: 2, causal: false), moe(experts: 2, chosen: 1)]" }
train: { epochs: 12 }
batch: 8
rates: [0.003, 0.01]
stop: full
`;

const scantling = (words: readonly string[]): string =>
  execFileSync(process.execPath, [main, "study", "study.yaml", ...words], {
    cwd: folder.path,
    env: { ...process.env, SCANTLING_DATA: folder.path },
    stdio: ["ignore", "pipe", "ignore"],
  }).toString();

test("accuracy, routers and a verdict on the error; a raised number of seeds goes on in the same folder", () => {
  writeTinyImages(join(folder.path, "tiny"), 160, 40);
  writeFileSync(join(folder.path, "study.yaml"), study);
  expect(scantling(["--dry-run", "--seeds", "2"])).toMatch(
    /tiny, 12 epochs at most, 2 seeds, all rates and seeds/,
  );
  const first = JSON.parse(scantling(["--out", "made", "--seeds", "2", "--json"]));
  expect(first).toMatchObject({ ended: "done", measure: "error", earlierSeeds: [], spent: { runs: 8 } });
  for (const { accuracy } of first.arms) expect(accuracy.share).toBeGreaterThan(0.7);
  expect(first.arms[1].statistics["block.0.moe.load"]).toHaveLength(2);
  const runs = () => readdirSync(join(folder.path, "made", "runs")).length;
  expect(runs()).toBe(8);
  const more = JSON.parse(scantling(["--out", "made", "--seeds", "3", "--json"]));
  expect(more).toMatchObject({ ended: "done", earlierSeeds: [2], spent: { runs: 12 } });
  for (const [arm, { accuracies }] of more.arms.entries()) {
    expect(accuracies).toHaveLength(3);
    if (more.arms[arm].rate === first.arms[arm].rate) {
      expect(accuracies.slice(0, 2)).toEqual(first.arms[arm].accuracies);
    }
  }
  const page = readFileSync(join(folder.path, "made", "report.html"), "utf8");
  for (const text of ["Data: tiny.", "accuracy, %", "Load of experts", "expert 2", "Seeds were added"])
    expect(page).toContain(text);
}, 900_000);
