// What an earlier call decided of the winner's run.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { decideRun, type WinnerOptions } from "../../src/design/winner.ts";
import { WorkError } from "../../src/errors.ts";
import { temporaryFolder } from "../study/harness.ts";

const folder = temporaryFolder();
afterAll(folder.remove);

test("a decision stands for the winner that it was made of, and is no other's", async () => {
  const path = join(folder.path, "winner.json");
  const decided = { name: "wide", rate: 0.004, steps: 700 };
  writeFileSync(path, JSON.stringify(decided));
  const decideFor = (name: string, rate: number) =>
    decideRun({ folder: folder.path, winner: { name, rate } } as WinnerOptions);
  expect(await decideFor("wide", 0.004)).toEqual(decided);
  for (const [name, rate] of [
    ["deep", 0.004],
    ["wide", 0.01],
  ] as const) {
    const error: unknown = await decideFor(name, rate).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WorkError);
    expect((error as Error).message).toBe(
      `${path}: the winner was wide at rate 0.004, and the search has now come to ${name} at rate ${rate}; to train that one, ` +
        `move ${path} and ${join(folder.path, "winner")} away`,
    );
  }
  writeFileSync(path, "{");
  await expect(decideFor("wide", 0.004)).rejects.toThrow(/cannot be read, and it says how long/);
});
