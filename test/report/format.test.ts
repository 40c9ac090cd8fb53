import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatLoss,
  formatShare,
} from "../../src/report/format.ts";

describe("formatCount", () => {
  it.each([
    [0, "0"],
    [820, "820"],
    [999.7, "1.00k"],
    [1234, "1.23k"],
    [61_300, "61.3k"],
    [4_915_200, "4.92M"],
    [2e9, "2G"],
    [3.5, "3.50"],
  ])("%d is %s", (count, text) => expect(formatCount(count)).toBe(text));
});

describe("formatDuration", () => {
  it.each([
    [0, "0.0 s"],
    [0.00192, "1.92 ms"],
    [0.04, "40 ms"],
    [8.24, "8.2 s"],
    [59.96, "1 min 00 s"],
    [125, "2 min 05 s"],
    [3599.6, "1 h 00 min"],
    [3840, "1 h 04 min"],
  ])("%d is %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

it("formats bytes, losses and shares", () => {
  expect(formatBytes(5300)).toBe("5.2 KiB");
  expect(formatBytes(300 * 2 ** 20)).toBe("300 MiB");
  expect(formatBytes(1.5 * 2 ** 30)).toBe("1.50 GiB");
  expect(formatLoss(1.23456)).toBe("1.2346");
  expect(formatLoss(Number.NaN)).toBe("NaN");
  expect(formatShare(0.0123)).toBe("1.2 %");
  expect(formatShare(0.637)).toBe("64 %");
});
