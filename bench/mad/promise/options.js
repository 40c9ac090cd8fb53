// What scripts that simulate studies are told on the command line. Simulates nothing.
import { readOptions, wholeOption } from "../../options.js";

/** @param name of the script and of the file that has what came out, without their endings */
export function simulationOptions(name) {
  const values = readOptions(
    `Usage: node bench/mad/${name}.js [options]        (after npm run build)

  --studies N     of each kind (default 500)
  --seed N        (default 1)
  --out FILE      write the shares as JSON after each kind; kinds that it has already are not simulated again
  --help

Example: node bench/mad/${name}.js --out bench/mad/${name}.json
`,
    { studies: { type: "string" }, seed: { type: "string" }, out: { type: "string" } },
  );
  return {
    studies: wholeOption(values, "studies") ?? 500,
    firstSeed: 1000 * (wholeOption(values, "seed") ?? 1),
    out: values.out,
  };
}
