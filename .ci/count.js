// Prints "N passed, N failed" over vitest's JSON reports. A report that is missing, and a test file that could not be
// run at all, count as one failed test each.
import { readFileSync } from "node:fs";

let passed = 0;
let failed = 0;
for (const path of process.argv.slice(2)) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    failed++;
    continue;
  }
  for (const file of report.testResults) {
    const count = (status) => file.assertionResults.filter((test) => test.status === status).length;
    passed += count("passed");
    failed += file.status === "failed" ? Math.max(1, count("failed")) : count("failed");
  }
}
console.log(`${passed} passed, ${failed} failed`);
