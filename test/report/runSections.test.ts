// Tables of all runs: in sight where they are few, folded where they would push the rest of a page away.
import { expect, test } from "vitest";
import { runsSection } from "../../src/report/runSections.ts";

const columns = [{ heading: "run" }, { heading: "FLOPs", unit: "count" }] as const;
const rowsOf = (count: number) => Array.from({ length: count }, (_, i) => [`run ${i}`, 1e9 * i]);

test("few runs are in sight, many are folded under how many they are, and none is lost", () => {
  const [few] = runsSection({ columns, rows: rowsOf(24) }).parts;
  expect(few).toMatchObject({ kind: "table", rows: rowsOf(24) });
  const [many] = runsSection({ columns, rows: rowsOf(72) }).parts;
  expect(many).toMatchObject({
    kind: "folded",
    title: "All 72 runs",
    parts: [{ kind: "table", rows: rowsOf(72) }],
  });
});
