// What `scantling study rebuild` does: has the index made again, and says what it holds.

import { formatNumber } from "../../report/format.ts";
import { queryStudy, rebuildIndex } from "../../study/index.ts";
import type { Console } from "../console.ts";

/** @returns the exit code */
export async function rebuild(
  folder: string,
  { json }: { readonly json?: boolean },
  console: Console,
): Promise<number> {
  await rebuildIndex(folder);
  const counts =
    "select (select count(*) from results) as results, (select count(*) from failures) as failures";
  const [row] = await queryStudy(folder, counts);
  const [results, failures] = [Number(row?.results), Number(row?.failures)];
  console.out(
    json
      ? `${JSON.stringify({ folder, results, failures })}\n`
      : `${folder}: the index holds ${formatNumber(results, "result")} and ${formatNumber(failures, "failure")}\n`,
  );
  return 0;
}
