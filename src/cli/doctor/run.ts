// What `scantling doctor` does: has the machine examined and prints what is found, as it is found.

import type { Diagnosis } from "../../train/doctor/diagnosis.ts";
import { doctor } from "../../train/doctor/doctor.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { prepareOutput } from "../output.ts";
import type { DoctorOptions } from "./command.ts";
import { backendLines, closingLines, folderLines, systemLines, toolchainLines } from "./lines.ts";

/** @returns the exit code: 1 where a problem stops work */
export async function examine({ threads, ...options }: DoctorOptions, console: Console): Promise<number> {
  const save = options.out === undefined ? undefined : prepareOutput(options.out, options.force ?? false);
  const print = (lines: readonly string[]) => {
    for (const line of lines) (options.json ? console.err : console.out)(`${line}\n`);
  };
  let diagnosis: Diagnosis | undefined;
  for await (const event of doctor({ threads, environment: console.environment, signal: console.signal })) {
    switch (event.kind) {
      case "system":
        print(systemLines(event.system));
        break;
      case "toolchain":
        print(toolchainLines(event));
        break;
      case "folders":
        print(folderLines(event));
        break;
      case "opening":
        if (console.interactive) console.err(`examining ${event.backend} ...\r`);
        break;
      case "selfTest":
        break;
      case "backend":
        print(backendLines(event.backend));
        break;
      case "end":
        diagnosis = event.diagnosis;
        print(closingLines(diagnosis));
    }
  }
  save?.(`${JSON.stringify(diagnosis, null, 2)}\n`);
  if (options.json) console.out(`${JSON.stringify(diagnosis)}\n`);
  if (console.signal.aborted) return interruptedCode;
  return diagnosis?.problems.some(({ stops }) => stops) ? 1 : 0;
}
