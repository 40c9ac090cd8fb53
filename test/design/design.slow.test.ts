// A design through the command line on the built-in language: stopped while it trains the winner, gone on with, and used.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { builtFolder, main } from "../built.ts";

const folder = builtFolder();

const arm = (width: number, layers: number) => ({
  architecture: { width, layers, heads: 2, activation: "gelu" },
});
const candidates = { wide: arm(32, 1), middle: arm(16, 2), deep: arm(8, 4), narrow: arm(8, 1) };
const words = (out: string) => [
  ...[main, "design", "--candidates", "mine.json", "--budget", "6e9flops", "--length", "16", "--batch", "4"],
  ...["--rates", "0.003,0.01", "--seeds", "2", "--out", out, "--json"],
];
const run = (...given: string[]) =>
  execFileSync(process.execPath, given, { cwd: folder.path, stdio: ["ignore", "pipe", "ignore"] }).toString();

interface Told {
  readonly ended: string;
  readonly winner: { readonly name: string; readonly rate: number };
  readonly finalists: readonly { readonly selection: number; readonly test: number }[];
  readonly cost: { readonly flops: number; readonly runs: number };
  readonly run: { readonly step: number; readonly validationLoss: number; readonly flops: number };
}

/** Without what depends on the clock. */
const essence = ({ ended, winner, finalists, cost, run: { step, validationLoss, flops } }: Told) => ({
  ...{
    ended,
    winner,
    finalists,
    runs: cost.runs,
    flops: cost.flops,
    trained: { step, validationLoss, flops },
  },
});

test("a design that is stopped in its search and in the winner's run is the one that was not; the winner is a run", async () => {
  writeFileSync(join(folder.path, "mine.json"), JSON.stringify(candidates));
  const whole: Told = JSON.parse(run(...words("whole")));
  expect(whole.ended).toBe("done");
  expect(whole.cost.flops + whole.run.flops).toBeLessThan(1.01 * 6e9);
  const stopWhen = async (isTime: () => boolean, signal: "SIGINT" | "SIGKILL") => {
    const child = spawn(process.execPath, words("stopped"), { cwd: folder.path, stdio: "ignore" });
    while (!isTime() && child.exitCode === null) await wait(20);
    child.kill(signal);
    return new Promise<number | null>((resolve) => child.once("close", resolve));
  };
  const log = join(folder.path, "stopped", "winner", "log.jsonl");
  await stopWhen(() => existsSync(join(folder.path, "stopped", "search", "runs")), "SIGKILL");
  const code = await stopWhen(() => existsSync(log) && statSync(log).size > 2000, "SIGINT");
  // Where the run was faster than the signal it has ended.
  expect([0, 130]).toContain(code);
  const gone: Told = JSON.parse(run(...words("stopped")));
  expect(essence(gone)).toEqual(essence(whole));
  const page = readFileSync(join(folder.path, "stopped", "report.html"), "utf8");
  expect(page).toContain(`winner: ${whole.winner.name} at rate`);
  expect(run(main, "sample", "stopped/winner", "--tokens", "20").length).toBeGreaterThan(10);
  run(main, "export", "stopped/winner", "--to", "pytorch", "--out", "winner.py");
  expect(readFileSync(join(folder.path, "winner.py"), "utf8")).toContain("torch");
}, 600_000);
