import { existsSync } from "node:fs";
import { arch, cpus } from "node:os";
import { expect, test } from "vitest";
import { processor } from "../src/processor.ts";

test("has a name, and where Linux tells them the features that every one of its kind has", () => {
  const { name, features } = processor();
  expect(name).toMatch(/^\S.*\S$/);
  if (!existsSync("/proc/cpuinfo")) return;
  if (arch() === "x64") {
    expect(name).toBe(cpus()[0]!.model.trim());
    expect(features).toContain("sse2");
  }
  if (arch() === "arm64") expect(features).toContain("asimd");
});
