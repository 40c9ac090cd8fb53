// Options of these scripts that are numbers. Knows no script.

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
