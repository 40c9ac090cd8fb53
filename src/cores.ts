// How many processor cores this process may use. Knows the system's limits; knows nothing of what runs.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * Cores' worth of time that a control group (a container, a service) leaves this process, such as 1.5; null where
 * nothing limits it. Both versions of Linux's control groups are read, and every group that this one lies in.
 */
export function coreQuota(read: (path: string) => string | undefined = readText): number | null {
  const quotas = (read("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === "") {
      return upwards(path).map((group) => {
        const [quota, period] = (read(`/sys/fs/cgroup${group}/cpu.max`) ?? "").split(" ");
        return Number(quota) / Number(period);
      });
    }
    if (!controllers.split(",").includes("cpu")) return [];
    return upwards(path).map((group) => {
      const setting = (name: string) => Number(read(`/sys/fs/cgroup/cpu${group}/cpu.cfs_${name}_us`));
      return setting("quota") / setting("period");
    });
  });
  // No limit is written as "max" or as -1; a file that is not there gives no number.
  const limits = quotas.filter((quota) => Number.isFinite(quota) && quota > 0);
  return limits.length === 0 ? null : Math.min(...limits);
}

/** Cores that can work at the same time: those this process may run on, fewer where a quota is smaller. At least 1. */
export function usableCores(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(coreQuota() ?? Number.POSITIVE_INFINITY)));
}

/** "/a/b" → "/a/b", "/a", "". */
function upwards(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return Array.from({ length: parts.length + 1 }, (_, up) =>
    parts
      .slice(0, parts.length - up)
      .map((part) => `/${part}`)
      .join(""),
  );
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
