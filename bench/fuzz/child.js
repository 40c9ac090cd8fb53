// Runs the inputs of one target, one after the other, and writes a line about each to descriptor 3. Whoever started it
// watches the clock: an input may hang or end this process. Arguments: target, seed, first input, folder.
import { writeSync } from "node:fs";
import { outcomeOf } from "./outcome.js";
import { createRandom } from "./random.js";

const [name, seed, first, folder] = /** @type {[string, string, string, string]} */ (process.argv.slice(2));
const target = await import(`./targets/${name}.js`);

const run = await target.prepare((/** @type {string} */ path) => import(`../../dist/${path}.js`), folder);

const tell = (/** @type {unknown} */ what) => writeSync(3, `${JSON.stringify(what)}\n`);

tell("ready");
for (let index = Number(first); ; index++) {
  const input = target.generate(createRandom(Number(seed), index));
  const before = process.resourceUsage();
  const found = await outcomeOf(() => run(input), target.expected);
  const after = process.resourceUsage();
  tell({
    ...found,
    milliseconds:
      (after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime) / 1000,
    grown: Math.max(0, after.maxRSS - before.maxRSS) * 1024,
    rss: after.maxRSS * 1024,
  });
  // Lets go of what waits for the event loop: ended threads, closed files.
  if (index % 16 === 0) await new Promise((resume) => setImmediate(resume));
}
