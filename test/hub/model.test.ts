import { describe, expect, it } from "vitest";
import { differenceFrom, fixture, layoutNames } from "./harness.ts";

describe("a public folder computes what an independent program computed of it", () => {
  for (const name of layoutNames) {
    it(name, () => {
      expect(differenceFrom(fixture(name), name)).toBeLessThan(1e-10);
    });
  }
});
