// Opens the backend a command asks for. Knows their names and the default number of threads.

import { availableParallelism } from "node:os";
import { Option } from "commander";
import type { Machine } from "../backend/machine.ts";
import { RequestError } from "../errors.ts";
import type { Console } from "./console.ts";
import { wholeNumber } from "./parsers.ts";

/** A machine and how fast its arithmetic can possibly be. */
export interface OpenMachine {
  readonly machine: Machine;
  /** Measured: most GFLOP/s of multiply-adds on all threads; null for a backend that is not built for speed. */
  readonly peakGflops: () => number | null;
}

export interface MachineRequest {
  readonly backend: "native" | "reference";
  readonly threads?: number;
}

export const backendOption = (): Option =>
  new Option("--backend <name>", "native: compiled kernels; reference: float64, exact and slow")
    .choices(["native", "reference"])
    .default("native");

export const threadsOption = (): Option =>
  new Option("--threads <n>", "threads; results do not depend on it (default: one a core)").argParser(
    wholeNumber(1),
  );

// The best of a few tries: what else the machine does can only make it look slower. All together not to be noticed.
const peakTries = 6;
const peakMilliseconds = 10;

/** Errors: RequestError for more threads than a backend has, WorkError where there is no compiler. */
export async function openMachine(request: MachineRequest, console: Console): Promise<OpenMachine> {
  switch (request.backend) {
    case "native": {
      const [{ createNative }, { maxThreads }] = await Promise.all([
        import("../backend/native/index.ts"),
        import("../backend/native/library.ts"),
      ]);
      const threads = request.threads ?? Math.min(availableParallelism(), maxThreads);
      if (threads > maxThreads) {
        throw new RequestError(
          `--threads ${threads}: the native backend has at most ${maxThreads}; ask for fewer`,
        );
      }
      const machine = await createNative({
        threads,
        compiling: () => console.err("compiling the kernels for this machine (once, under a minute) ...\n"),
        warn: (line) => console.err(`scantling: ${line}\n`),
      });
      const tryPeak = () => machine.library.peakGflops(threads, peakMilliseconds);
      return { machine, peakGflops: () => Math.max(...Array.from({ length: peakTries }, tryPeak)) };
    }
    case "reference": {
      const { createReference } = await import("../backend/reference.ts");
      if (request.threads !== undefined && request.threads > 1) {
        throw new RequestError(
          `--threads ${request.threads}: the reference backend has one thread; leave --threads out`,
        );
      }
      return { machine: createReference(), peakGflops: () => null };
    }
  }
}
