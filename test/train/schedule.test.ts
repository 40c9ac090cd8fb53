import { describe, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { defineSchedule, rateAt, type ScheduleInput } from "../../src/train/schedule.ts";

const STEPS = 100;
const rates = (input: ScheduleInput) => {
  const schedule = defineSchedule(input, STEPS);
  return Array.from({ length: STEPS }, (_, step) => rateAt(schedule, step, STEPS));
};

describe("the rate of a step", () => {
  test("warms up linearly and never starts at zero", () => {
    const warm = rates({ rate: 2, warmup: 4, decay: "constant" });
    expect(warm.slice(0, 5)).toEqual([0.5, 1, 1.5, 2, 2]);
    expect(new Set(warm.slice(4))).toEqual(new Set([2]));
  });
  test("cosine falls from the rate towards its end", () => {
    const cosine = rates({ rate: 1, warmup: 20, decay: "cosine", final: 0.2 });
    expect(cosine[20]).toBe(1);
    expect(cosine[60]).toBeCloseTo(0.2 + 0.8 * 0.5, 12);
    expect(cosine[40]).toBeCloseTo(0.2 + (0.8 * (1 + Math.cos(Math.PI / 4))) / 2, 12);
    expect(cosine[99]).toBeGreaterThan(0.2);
    expect(cosine[99]).toBeLessThan(0.201);
  });
  test("linear", () => {
    const linear = rates({ rate: 1, decay: "linear", final: 0 });
    linear.forEach((rate, step) => {
      expect(rate).toBeCloseTo(1 - step / 100, 12);
    });
  });
  test("wsd is stable, then falls over its last steps", () => {
    const wsd = rates({ rate: 1, warmup: 10, decay: "wsd", decaySteps: 20, final: 0 });
    expect(new Set(wsd.slice(9, 81))).toEqual(new Set([1]));
    expect(wsd[90]).toBeCloseTo(0.5, 12);
    expect(wsd[99]).toBeCloseTo(0.05, 12);
  });
  test("one that begins again is that of the steps that are left", () => {
    const left = defineSchedule({ rate: 1, warmup: 10, start: 60 }, STEPS);
    const shorter = defineSchedule({ rate: 1, warmup: 10 }, 40);
    for (let step = 0; step < 40; step++) {
      expect(rateAt(left, 60 + step, STEPS)).toBe(rateAt(shorter, step, 40));
    }
  });
});

describe("requests", () => {
  test.each([
    [{ decay: "cosin" }, "did you mean cosine?"],
    [{ warmUp: 3 }, 'did you mean "warmup"?'],
    [{ rate: 0 }, "rate is 0; expected a number above 0"],
    [{ rate: Number.POSITIVE_INFINITY }, "rate is Infinity"],
    [{ warmup: 1.5 }, "warmup is 1.5; expected a whole number"],
    [{ warmup: 101 }, "do not fit into 100 steps"],
    [{ warmup: 41, start: 60 }, "do not fit into 40 steps that follow the first 60"],
    [{ decay: "wsd", warmup: 50, decaySteps: 51 }, "do not fit into 100 steps"],
    [{ decay: "linear", decaySteps: 5 }, "belongs to decay wsd"],
    [{ final: 1 }, "final is 1"],
  ])("%j", (input, message) => {
    expect(() => defineSchedule(input, STEPS)).toThrow(RequestError);
    expect(() => defineSchedule(input, STEPS)).toThrow(message);
  });
});
