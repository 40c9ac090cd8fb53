// Which processor this is, as the system tells. Knows nothing of what runs on it.
import { closeSync, openSync, readSync } from "node:fs";
import { cpus } from "node:os";

/** What tells types of processors apart. */
export interface Processor {
  /** The model's name; on Linux for ARM the number of its kind; else the architecture, such as arm64. */
  readonly name: string;
  /** Instruction sets, in the system's words; empty where it does not tell. */
  readonly features: readonly string[];
}

export function processor(): Processor {
  const lines = startOfList().split("\n");
  const first = (pattern: RegExp): string => {
    const line = lines.find((each) => pattern.test(each)) ?? "";
    return line.slice(line.indexOf(":") + 1).trim();
  };
  const name = first(/^(model name|CPU part)\s*:/) || cpus()[0]?.model.trim() || process.arch;
  const features = first(/^(flags|Features)\s*:/);
  return { name, features: features === "" ? [] : features.split(/\s+/) };
}

/** The first kilobytes of Linux's list, which is slow to read whole on many cores; elsewhere nothing. */
function startOfList(): string {
  let file: number;
  try {
    file = openSync("/proc/cpuinfo", "r");
  } catch {
    return "";
  }
  try {
    const start = Buffer.alloc(1 << 14);
    return start.toString("latin1", 0, readSync(file, start, 0, start.length, 0));
  } finally {
    closeSync(file);
  }
}
