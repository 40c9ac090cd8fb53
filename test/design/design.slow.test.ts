// A design through the command line on the built-in language: stopped while it trains the winner, gone on with, and used.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { builtFolder } from "../built.ts";
import { commandIn, type Ended } from "../command.ts";

const folder = builtFolder();
const { live, killAll } = commandIn(folder.path);
beforeAll(() => {
  writeFileSync(join(folder.path, "mine.json"), JSON.stringify(candidates));
});
afterAll(killAll);

const arm = (width: number, layers: number) => ({
  architecture: { width, layers, heads: 2, activation: "gelu" },
});
const candidates = { wide: arm(32, 1), middle: arm(16, 2), deep: arm(8, 4), narrow: arm(8, 1) };
const words = (out: string) => [
  ...["design", "--candidates", "mine.json", "--budget", "8e9flops", "--length", "16", "--batch", "4"],
  ...["--final", "5e9flops", "--rates", "0.003,0.01", "--seeds", "2", "--out", out, "--json"],
];

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

function toldBy({ code, out, err }: Ended): Told {
  expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  return JSON.parse(out) as Told;
}

test("a design that is killed in its search and stopped in the winner's run is the one that was not; the winner is a run", async () => {
  const whole = toldBy(await live(words("whole")).ended);
  expect(whole.ended).toBe("done");
  expect(whole.cost.flops + whole.run.flops).toBeLessThan(1.01 * 8e9);
  const killed = live(words("stopped"));
  while (!existsSync(join(folder.path, "stopped", "search", "runs"))) await wait(20);
  killed.child.kill("SIGKILL");
  expect((await killed.ended).signal).toBe("SIGKILL");
  const stopped = live(words("stopped"));
  await stopped.said(/^update \d+ +validation/m);
  stopped.child.kill("SIGINT");
  const { code, out, err } = await stopped.ended;
  expect(code).toBe(130);
  const paused: Told = JSON.parse(out);
  expect(paused.ended).toBe("interrupted");
  expect(paused.run.step).toBeLessThan(whole.run.step);
  expect(err).toMatch(
    /^paused after \d+ updates of the winner's run: the same command goes on from here\n$/m,
  );
  const gone = await live(words("stopped")).ended;
  expect(essence(toldBy(gone))).toEqual(essence(whole));
  // Nothing of the search or of the run was made again.
  expect(gone.err).not.toMatch(/until/);
  const at = (line: string) => Number(/^update (\d+)/m.exec(line)![1]);
  expect(at(gone.err)).toBeGreaterThan(at(err));
  const page = readFileSync(join(folder.path, "stopped", "report.html"), "utf8");
  expect(page).toContain(`winner: ${whole.winner.name} at rate`);
  const again = await live(words("stopped")).ended;
  expect(essence(toldBy(again))).toEqual(essence(whole));
  const sample = await live(["sample", "stopped/winner", "--tokens", "20"]).ended;
  expect([sample.code, sample.out.length > 10]).toEqual([0, true]);
  await live(["export", "stopped/winner", "--to", "pytorch", "--out", "winner.py"]).ended;
  expect(readFileSync(join(folder.path, "winner.py"), "utf8")).toContain("torch");
});
