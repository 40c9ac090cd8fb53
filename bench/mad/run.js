// Runs a comparison and tells how it goes, run by run. Goes on where it was stopped.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { mad } from "../../dist/index.js";
import { stopSignal } from "../options.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const signal = stopSignal();

/**
 * @param {string} name of the folder in bench/mad/studies
 * @param {import("../../dist/index.js").MadRequest} request
 * @returns {Promise<import("../../dist/index.js").MadResult>}
 */
export async function run(name, request) {
  let ended;
  let done = 0;
  let [flops, seconds, total, at] = [0, 0, 0, 1];
  const options = { folder: path.join(HERE, "studies", name), signal, ...request };
  for await (const event of mad(options)) {
    if (event.kind === "comparison") {
      const { cost } = event.comparison;
      total = cost.flops;
      console.log(
        `${name}: ${cost.runs} runs, ${cost.steps} steps, ${cost.flops.toExponential(2)} FLOPs in full`,
      );
    } else if (event.kind === "end") {
      ended = event;
    } else if (event.event.kind === "start") {
      at = event.event.processes;
    } else if (event.event.kind === "stage") {
      console.log(`${name}: ${event.event.jobs.length} runs to do, ${event.event.done} done`);
    } else if (event.event.kind === "failure") {
      console.log(`${name}: ${event.event.failure.run} failed: ${event.event.failure.reason}`);
    } else if (event.event.kind === "result") {
      const { result } = event.event;
      done++;
      flops += result.flops;
      seconds += result.seconds;
      const pace = ((total / flops) * (seconds / at / 3600)).toFixed(2);
      const right = (100 * result.value.test.accuracy).toFixed(1);
      const all = request.full ? `; all of it ${pace} h at this pace` : "";
      console.log(
        `${done} ${result.run} to ${result.until}: ${right} %, ${result.seconds.toFixed(0)} s${all}`,
      );
    }
  }
  if (ended.reason === "interrupted") process.exit(130);
  return ended.result;
}
