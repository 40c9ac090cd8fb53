// What was found of simulated kinds of studies, kept in a file, so that a script that was stopped goes on. Knows no kind and no rule.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/**
 * Of each kind in turn what the file has, or what is found now. After each the file has all of that, and what it had of kinds
 * that are still to come.
 * @param kinds plain settings, by which a result is known again
 * @param file undefined: nothing is kept
 * @param find what is to be known of a kind
 */
export function* keptResults(kinds, file, find) {
  const before = file !== undefined && existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).results : [];
  const known = (kind) =>
    before.find((one) => Object.entries(kind).every(([key, value]) => one[key] === value));
  const results = [];
  for (const kind of kinds) {
    const result = { ...kind, ...(known(kind) ?? find(kind)) };
    results.push(result);
    if (file !== undefined) {
      const later = kinds.slice(results.length).flatMap((one) => known(one) ?? []);
      writeFileSync(`${file}.partial`, `${JSON.stringify({ results: [...results, ...later] }, null, 1)}\n`);
      renameSync(`${file}.partial`, file);
    }
    yield result;
  }
}
