// Options of these scripts, and how they are stopped. Knows no script.

import { parseArgs } from "node:util";

/** What the command line gives of `options`; with `--help` prints it and ends the script. */
export function readOptions(help, options) {
  const { values } = parseArgs({ options: { ...options, help: { type: "boolean", default: false } } });
  if (!values.help) return values;
  process.stdout.write(help);
  process.exit(0);
}

/** The same for `--out` and options that are numbers, with these defaults. What is no number is NaN. */
export function numberOptions(help, numbers) {
  const names = Object.keys(numbers);
  const values = readOptions(help, {
    ...Object.fromEntries(names.map((name) => [name, { type: "string", default: String(numbers[name]) }])),
    out: { type: "string" },
  });
  return { ...values, ...Object.fromEntries(names.map((name) => [name, Number(values[name])])) };
}

/** Aborted when somebody stops the script. */
export function stopSignal() {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => stop.abort());
  return stop.signal;
}

/** A whole number of at least 1, undefined where the option is not given; anything else ends the script in one line. */
export function wholeOption(values, name) {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  console.error(`--${name} ${JSON.stringify(text.slice(0, 40))}: expected a whole number of at least 1`);
  process.exit(2);
}

/** The names that `--only` leaves; one that is not there ends the script in one line. */
export function namesOf(values, names) {
  const { only } = values;
  if (only === undefined) return names;
  if (names.includes(only)) return [only];
  console.error(`--only ${JSON.stringify(only.slice(0, 40))}: expected ${names.join(" or ")}`);
  process.exit(2);
}
