// Prints "N passed, N failed" over vitest's JSON reports, after the name of each test that failed and the first line of
// what it said. A report that is missing, and a test file that could not be run at all, count as one failed test each.
import { readFileSync } from "node:fs";

const first = (message) => (message ?? "").split("\n", 1)[0];

let passed = 0;
const failed = [];
for (const path of process.argv.slice(2)) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    failed.push(`${path}: no report`);
    continue;
  }
  for (const file of report.testResults) {
    const failures = file.assertionResults.filter(({ status }) => status === "failed");
    passed += file.assertionResults.filter(({ status }) => status === "passed").length;
    for (const { fullName, failureMessages } of failures)
      failed.push(`${file.name}: ${fullName}: ${first(failureMessages[0])}`);
    if (file.status === "failed" && failures.length === 0)
      failed.push(`${file.name}: ${first(file.message)}`);
  }
}
for (const line of failed) console.log(`failed: ${line}`);
console.log(`${passed} passed, ${failed.length} failed`);
