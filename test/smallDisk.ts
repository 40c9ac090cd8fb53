// A disk that fills up quickly, where this system lets one be mounted.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/** Mounts 8 MB of memory at `path`. @returns what takes it off again; undefined where nothing may be mounted */
export function mountSmallDisk(path: string): (() => void) | undefined {
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return () => void execFileSync("umount", ["-l", path]);
}
