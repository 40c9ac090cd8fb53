// The options that choose a backend, and its opening for a command. Knows no command.

import { Option } from "commander";
import {
  type BackendChoice,
  backendChoices,
  type OpenMachine,
  openMachine as open,
} from "../backend/open.ts";
import { type Console, warn } from "./console.ts";
import { wholeNumber } from "./parsers.ts";

export type { OpenMachine };

/** What the options below leave behind. */
export interface MachineRequest {
  readonly backend?: BackendChoice;
  readonly threads?: number;
  readonly relaxedSimd?: boolean;
}

export const backendOption = (): Option =>
  new Option(
    "--backend <name>",
    "native: kernels compiled here; wasm: prebuilt ones, 2 to 3 times slower; reference: float64, exact and slow " +
      "(default: native, or wasm where there is no compiler)",
  ).choices(backendChoices);

export const relaxedOption = (): Option =>
  new Option(
    "--relaxed-simd",
    "faster wasm on Node 22 and later; other types of processors may get other last bits, and a resumed run the same " +
      "bits only on the same type",
  );

/** Of commands that run several models at a time, each of them on so many. */
export const runThreadsOption = (): Option =>
  new Option("--threads <n>", "threads of each run; results do not depend on it (default: 1)").argParser(
    wholeNumber(1),
  );

export const threadsOption = (): Option =>
  new Option("--threads <n>", "threads; results do not depend on it (default: one a usable core)").argParser(
    wholeNumber(1),
  );

/**
 * For commands whose runs have processes of their own: kernels are compiled once, here, and not by several of them at the same
 * time, and what each of them would refuse is refused before the first.
 */
export async function tryMachine(request: MachineRequest, console: Console): Promise<void> {
  const { machine } = await openMachine({ ...request, threads: request.threads ?? 1 }, console);
  machine.dispose();
}

/** Errors: as the library's openMachine; warnings and progress go to the console. */
export function openMachine(request: MachineRequest, console: Console): Promise<OpenMachine> {
  const { backend, threads, relaxedSimd } = request;
  return open({
    ...{ backend, threads, relaxedSimd },
    environment: console.environment,
    compiling: () => console.err("compiling the kernels for this machine (once, under a minute) ...\n"),
    warn: (line) => warn(console, line),
  });
}
