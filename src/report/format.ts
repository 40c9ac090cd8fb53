// Numbers as people read them. Knows units and digits, nothing else.

const scales: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Three significant digits with a decimal prefix: 820, 61.3k, 4.92M. */
export function formatCount(count: number): string {
  for (const [scale, prefix] of scales) {
    if (Math.abs(count) >= scale * 0.9995) return `${significant(count / scale)}${prefix}`;
  }
  return significant(count);
}

/** "1 run", "1,200 runs"; `many` where the plural has no s. */
export function formatNumber(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** Seconds as 1.9 ms, 8.2 s, 2 min 05 s or 1 h 04 min. */
export function formatDuration(seconds: number): string {
  if (seconds > 0 && seconds < 0.05) return `${significant(1000 * seconds)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** Bytes in MiB, GiB from 1 GiB on, KiB below half a MiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 2 ** 19) return `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** A loss in nat to four decimals. */
export function formatLoss(loss: number): string {
  return Number.isFinite(loss) ? loss.toFixed(4) : String(loss);
}

/** A share as a percentage. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

/** A share of right guesses: `98.25 %`. */
export function formatAccuracy(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function significant(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const magnitude = Math.abs(value);
  return value.toFixed(magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** With a capital letter, as sentences begin. */
export function capitalised(text: string): string {
  return text.replace(/^./u, (letter) => letter.toUpperCase());
}

const MOST_NAMED = 4;

/** "a, b, c, d and 5 more". */
export function shortList(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
