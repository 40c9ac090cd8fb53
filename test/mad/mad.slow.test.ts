// A comparison that is really trained, killed with its runs again and again: the same table at the end, every run once.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { createRandom } from "../../src/data/random.ts";
import type { MadResult } from "../../src/mad/result.ts";
import { builtFolder, main } from "../built.ts";
import { childrenOf, commandIn } from "../command.ts";

const folder = builtFolder();
const { live, killAll } = commandIn(folder.path);

afterAll(killAll);

const request = ["mad", "attention", "min-gru", "--tasks", "in-context-recall", "--profile", "quick"];
const common = ["--seeds", "2", "--workers", "2", "--threads", "1", "--json"];

const compare = (out: string) => live([...request, ...common, "--out", out]);

type Document = MadResult & { readonly ended: string; readonly report: string };

/** What does not depend on time. */
function tableOf({ architectures, results, verdicts, spent }: Document) {
  return JSON.parse(
    JSON.stringify({ architectures, results, verdicts, steps: spent.steps, flops: spent.flops }),
    (key, value: unknown) => (key === "seconds" ? undefined : value),
  ) as unknown;
}

it("goes on after ten kills of the runner, and of runs, and ends with the same table", async () => {
  const undisturbed = JSON.parse((await compare("whole").ended).out) as Document;
  expect(undisturbed.ended).toBe("done");
  expect(existsSync(join(folder.path, undisturbed.report))).toBe(true);
  const random = createRandom(7, 0);
  let out = "";
  for (let kill = 0; kill < 10 && out === ""; kill++) {
    const { child, ended } = compare("killed");
    await Promise.race([ended, wait(500 + random.integer(2 * kill, 2500))]);
    // Every second time a run alone, which is tried again.
    const runs = kill % 2 === 0 ? [] : childrenOf(child.pid!);
    if (runs.length > 0) {
      process.kill(runs[random.integer(2 * kill + 1, runs.length)]!, "SIGKILL");
      await Promise.race([ended, wait(1000)]);
    }
    child.kill("SIGKILL");
    ({ out } = await ended);
  }
  if (out === "") ({ out } = await compare("killed").ended);
  const killed = JSON.parse(out) as Document;
  expect(tableOf(killed)).toEqual(tableOf(undisturbed));
  const runs = readdirSync(join(folder.path, "killed", "runs"));
  expect(runs.sort()).toEqual(readdirSync(join(folder.path, "whole", "runs")).sort());
});

it("knows the user's own primitives in the processes of its runs", () => {
  const own =
    'import { defineConfig, definePrimitive, tensor } from "scantling";\n' +
    "const twice = definePrimitive({ name: 'twice', settings: {}, resolve: (s) => s, causal: () => true,\n" +
    "  apply: (_, __, ___, x) => tensor.add(x, x) });\n" +
    "export default defineConfig({ primitives: [twice] });\n";
  const architecture = "vocabulary: 16\nlength: 32\nwidth: 16\nheads: 2\nstripe: '[attention, twice] × 1'\n";
  writeFileSync(join(folder.path, "scantling.config.ts"), own);
  writeFileSync(join(folder.path, "own.yaml"), architecture);
  const words = ["mad", "own.yaml", "--tasks", "in-context-recall", "--profile", "quick", "--seeds", "1"];
  const out = execFileSync(process.execPath, [main, ...words, "--json", "--out", "own"], {
    ...{ cwd: folder.path, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  });
  rmSync(join(folder.path, "scantling.config.ts"));
  const { ended, results } = JSON.parse(out) as Document;
  expect([ended, results.length]).toEqual(["done", 1]);
  expect(results[0]!.score).toBeGreaterThan(0.05);
});

it("refuses another comparison in the same folder, and says what differs", () => {
  const other = [main, "mad", "attention", "--profile", "quick", "--out", "whole"];
  try {
    execFileSync(process.execPath, other, { cwd: folder.path, stdio: "pipe" });
  } catch (error) {
    const { status, stderr } = error as { readonly status: number; readonly stderr: Buffer };
    expect(status).toBe(2);
    expect(stderr.toString().trimEnd()).toMatch(/^scantling: [^\n]*whole[^\n]*$/m);
    expect(readFileSync(join(folder.path, "whole", "report.html"), "utf8")).toContain("min-gru");
    return;
  }
  expect.unreachable();
});
