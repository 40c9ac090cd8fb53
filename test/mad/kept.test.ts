// Results of simulated kinds that a script keeps in a file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../study/harness.ts";

const { keptResults } = await import(new URL("../../bench/mad/promise/kept.js", import.meta.url).href);

const folder = temporaryFolder();
afterAll(folder.remove);

test("what is kept is not found again, and stays where a script is stopped before it comes to it", () => {
  const file = join(folder.path, "kept.json");
  const found: number[] = [];
  const find = ({ seed }: { readonly seed: number }) => {
    found.push(seed);
    return { twice: 2 * seed };
  };
  const kinds = [1, 2].map((seed) => ({ seed }));
  const all = [
    { seed: 1, twice: 2 },
    { seed: 2, twice: 4 },
  ];
  expect([...keptResults(kinds, file, find)]).toEqual(all);
  keptResults([{ seed: 9 }, ...kinds], file, find).next();
  expect(JSON.parse(readFileSync(file, "utf8")).results).toEqual([{ seed: 9, twice: 18 }, ...all]);
  expect([...keptResults(kinds, file, find)]).toEqual(all);
  expect(found).toEqual([1, 2, 9]);
});
