// A measurement of transfer that is really trained, each run in a process of its own: done once, it is not done again.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtFolder, main } from "../built.ts";

const folder = builtFolder();

test("losses of every size and rate, a page, and the same again without training", () => {
  const words = [
    "transfer",
    "--widths",
    "16,32",
    "--depths",
    "1",
    "--rates",
    "2e-3,8e-3,3.2e-2",
    "--seeds",
    "1",
  ];
  const run = () => {
    const more = ["--parametrisation", "mup", "--steps", "20", "--batch", "4", "--length", "16", "--json"];
    return JSON.parse(
      execFileSync(process.execPath, [main, ...words, ...more], {
        cwd: folder.path,
        stdio: ["ignore", "pipe", "ignore"],
      }).toString(),
    );
  };
  const first = run();
  expect(first.ended).toBe("done");
  // One size may have been tried at more rates than the other.
  const counts = first.series[0].sizes.map(
    ({ losses }: { losses: number[] }) => losses.filter(Number.isFinite).length,
  );
  for (const count of counts) expect(count).toBeGreaterThanOrEqual(3);
  expect(readFileSync(join(folder.path, first.report), "utf8")).toContain("Coordinate check, mup");
  const runs = join(folder.path, "runs/transfer/runs");
  expect(existsSync(runs)).toBe(true);
  const started = performance.now();
  expect(run()).toEqual(first);
  expect(performance.now() - started).toBeLessThan(60_000);
}, 240_000);
