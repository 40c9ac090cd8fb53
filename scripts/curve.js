// Draws the loss curve of a run as an SVG file that stands alone, light or dark as its reader's screen is:
//   node scripts/curve.js runs/shakespeare docs/shakespeare.svg
import { writeFileSync } from "node:fs";
import { lossChart } from "../dist/report/chart.js";
import { runCurve } from "../dist/train/runResult.js";

const [run, file] = process.argv.slice(2);
if (run === undefined || file === undefined) {
  process.stderr.write("usage: node scripts/curve.js RUN FILE.svg\n");
  process.exit(2);
}
const colours = `
svg { color: #1d2321; --training: #9aa8a3; --validation: #0b6e5a; --optimum: #b4531a; }
@media (prefers-color-scheme: dark) {
  svg { color: #e6e9e7; --training: #6f7c78; --validation: #4cc2a4; --optimum: #eb9256; }
}`;
const chart = lossChart(runCurve(run), 640);
const alone = chart
  .replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
  .replace("<style>", `<style>${colours}`)
  .replace("  height: intrinsic;\n", ""); // a name that no browser knows any more
writeFileSync(file, `${alone}\n`);
