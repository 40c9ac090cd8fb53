// What a study may spend: seconds by the clock, or training steps or FLOPs, summed over its runs. Knows no run.
import { RequestError } from "../errors.ts";

/** What a study may spend. */
export interface Budget {
  /** Seconds are those of the clock, however many runs go on side by side. */
  readonly unit: "seconds" | "steps" | "flops";
  readonly value: number;
}

const units: Readonly<Record<string, readonly [Budget["unit"], number]>> = {
  ...{ s: ["seconds", 1], m: ["seconds", 60], min: ["seconds", 60], h: ["seconds", 3600] },
  ...{ steps: ["steps", 1], step: ["steps", 1], flops: ["flops", 1], flop: ["flops", 1] },
};

const prefixes: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };

/**
 * 90s, 10m, 1.5h, 20000steps, 20k steps, 3e13flops, 30Tflops.
 * Errors: RequestError, one line that begins with `what`, for anything else.
 */
export function readBudget(text: string, what = "--budget"): Budget {
  const found = /^(\d+(?:\.\d+)?(?:e\+?\d+)?)\s*(?:([kMGTP]?)\s*(steps?|flops?)|(s|m|min|h))$/i.exec(
    text.trim(),
  );
  // 3M are three million of something.
  const name = found?.[4] === "M" ? "" : (found?.[3] ?? found?.[4] ?? "").toLowerCase();
  const [unit, scale] = units[name] ?? ["steps", Number.NaN];
  const value = Number(found?.[1]) * scale * (prefixes[found?.[2] ?? ""] ?? Number.NaN);
  if (Number.isFinite(value) && value > 0) return { unit, value };
  throw new RequestError(
    `${what} ${text.slice(0, 40)}: expected time, steps or FLOPs for all runs together, such as 10m, 20000steps or 3e13flops`,
  );
}

/** A budget as it is typed, rounded up to two digits. */
export function showBudget({ unit, value }: Budget): string {
  if (unit === "seconds") return value < 90 ? `${Math.ceil(value)}s` : `${Math.ceil(value / 6) / 10}m`;
  const scale = 10 ** (Math.floor(Math.log10(value)) - 1);
  const rounded = Math.ceil(value / scale) * scale;
  return unit === "steps" ? `${Math.round(rounded)}steps` : `${rounded.toExponential(1)}flops`;
}
