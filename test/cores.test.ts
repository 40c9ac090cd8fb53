import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { coreQuota, usableCores } from "../src/cores.ts";

const quotaOf = (files: Record<string, string>) => coreQuota((path) => files[path]);

describe("the quota of cores", () => {
  it("is that of the container (control groups, version 2)", () => {
    expect(quotaOf({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n" })).toBe(1.5);
  });

  it("is the smallest of all groups that the process lies in", () => {
    const files = {
      "/proc/self/cgroup": "0::/user.slice/session.scope\n",
      "/sys/fs/cgroup/user.slice/session.scope/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/user.slice/cpu.max": "300000 100000\n",
    };
    expect(quotaOf(files)).toBe(3);
    expect(quotaOf({ ...files, "/sys/fs/cgroup/cpu.max": "200000 100000" })).toBe(2);
  });

  it("is read from version 1, too", () => {
    const files = {
      "/proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/docker/abc\n0::/\n",
      "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    };
    expect(quotaOf(files)).toBeNull();
    expect(quotaOf({ ...files, "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "400000\n" })).toBe(4);
  });

  it.each([
    ["no control groups", {}],
    ["no limit", { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" }],
    ["nonsense", { "/proc/self/cgroup": "0::/\n::::\nx", "/sys/fs/cgroup/cpu.max": "many\n" }],
  ])("is none: %s", (_, files) => expect(quotaOf(files)).toBeNull());
});

it("at least one core and at most what the system offers can be used", () => {
  expect(usableCores()).toBeGreaterThanOrEqual(1);
  expect(usableCores()).toBeLessThanOrEqual(availableParallelism());
});
