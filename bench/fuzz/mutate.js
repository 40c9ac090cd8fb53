// Changes that files suffer from accidents and from malice. Knows JSON and bytes, and no format.

/** @typedef {import("./random.js").Random} Random */

const keys = ["__proto__", "constructor", "toString", "length", "", "a", "\u0000", "ключ", "x".repeat(300)];

/** Values nobody expects. @param {Random} random @returns {unknown} */
function oddValue(random) {
  return random.pick([
    () => null,
    () => random.chance(0.5),
    () =>
      random.pick([
        ...[0, -0, -1, 1, 2, 0.5, 255, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53],
        ...[2 ** 63, 1e21, 1e308, 5e-324, -1e308, 1e-9, 97, 4096],
      ]),
    () => random.pick(keys),
    () => "y".repeat(random.integer(3000)),
    () => String.fromCharCode(random.integer(0x10000)),
    () => [],
    () => ({}),
    () => [null],
    () => nested(random.pick([3, 63, 64, 65, 1000, 20_000])),
    () => Object.fromEntries([[random.pick(keys), random.pick([1, "x", null, {}])]]),
    () => Array.from({ length: random.integer(2000) }, () => random.pick([1, "attention", null, {}])),
  ])();
}

/** @param {number} depth */
function nested(depth) {
  /** @type {unknown} */
  let value = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/**
 * A JSON value with a few places changed: replaced, removed, added, renamed, exchanged or repeated.
 * @param {Random} random @param {unknown} value @returns {unknown}
 */
export function mutateValue(random, value) {
  const root = { root: clone(value) };
  for (let changes = 1 + random.integer(3); changes > 0; changes--) changeOne(random, root);
  return root.root;
}

/** @param {Random} random @param {{ root: unknown }} root */
function changeOne(random, root) {
  /** @type {[Record<string, unknown>, string][]} */
  const places = [];
  collect(root, places, 0);
  const [holder, key] = random.pick(places);
  const [other, otherKey] = random.pick(places);
  switch (random.integer(6)) {
    case 0:
      if (holder !== root) delete holder[key];
      break;
    case 1:
      define(holder, holder === root ? "root" : random.pick(keys), oddValue(random));
      break;
    case 2: {
      const value = holder[key];
      if (typeof value === "number")
        define(holder, key, random.pick([-value, value * 2, value + 1, value * 1e9]));
      else define(holder, key, oddValue(random));
      break;
    }
    case 3:
      define(holder, key, clone(other[otherKey]));
      break;
    default:
      define(holder, key, oddValue(random));
  }
}

/** A copy, however deep. @param {unknown} value */
const clone = (value) => JSON.parse(write(value));

/** @param {Record<string, unknown>} holder @param {string} key @param {unknown} value */
function define(holder, key, value) {
  if (Array.isArray(holder) && !/^\d+$/.test(key)) {
    holder.push(value);
    return;
  }
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

/** @param {object} value @param {[Record<string, unknown>, string][]} places @param {number} depth */
function collect(value, places, depth) {
  if (depth > 20) return;
  for (const key of Object.keys(value)) {
    const holder = /** @type {Record<string, unknown>} */ (value);
    const inside = holder[key];
    if (places.length > 500) return;
    places.push([holder, key]);
    if (typeof inside === "object" && inside !== null) collect(inside, places, depth + 1);
  }
}

/** JSON, which may be too deep for the language's own. @param {unknown} value @returns {string} */
export function write(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  // An explicit stack, for values that are nested deeper than calls can be.
  let text = "";
  /** @type {(string | { value: unknown })[]} */
  const left = [{ value }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next === "string") {
      text += next;
      continue;
    }
    const { value: item } = next;
    if (typeof item !== "object" || item === null) {
      text += JSON.stringify(item) ?? "null";
    } else if (Array.isArray(item)) {
      left.push("]");
      for (let i = item.length - 1; i >= 0; i--) left.push({ value: item[i] }, i === 0 ? "" : ",");
      text += "[";
    } else {
      left.push("}");
      const entries = Object.entries(item);
      for (let i = entries.length - 1; i >= 0; i--) {
        const [key, inside] = /** @type {[string, unknown]} */ (entries[i]);
        left.push({ value: inside }, `${i === 0 ? "" : ","}${JSON.stringify(key)}:`);
      }
      text += "{";
    }
  }
  return text;
}

const snippets = [
  ...["{", "}", "[", "]", ",", ":", '"', "\\", "\n", "\r", "\0", "\ufeff", "null", "NaN", "1e999", "-", "//"],
  ...[
    '"__proto__":{"a":1},',
    '"a":1,"a":2,',
    "[".repeat(5000),
    '{"a":'.repeat(500),
    "\\ud800",
    "9".repeat(400),
  ],
];

/** Bytes with a few places changed. @param {Random} random @param {Uint8Array} bytes @returns {Uint8Array} */
export function mutateBytes(random, bytes) {
  let now = Buffer.from(bytes);
  for (let changes = 1 + random.integer(4); changes > 0; changes--) {
    const at = random.integer(now.length + 1);
    const end = Math.min(now.length, at + random.integer(random.pick([2, 8, 64, now.length + 1])));
    const parts = [now.subarray(0, at), now.subarray(at, end), now.subarray(end)];
    const [before, cut, after] = /** @type {[Buffer, Buffer, Buffer]} */ (parts);
    switch (random.integer(6)) {
      case 0:
        now = Buffer.from(now);
        if (at < now.length) now[at] = random.integer(256);
        break;
      case 1:
        if (at < now.length) now[at] = /** @type {number} */ (now[at]) ^ (1 << random.integer(8));
        break;
      case 2:
        now = Buffer.concat([before, after]);
        break;
      case 3:
        now = Buffer.concat([before, cut, cut, after]);
        break;
      case 4:
        now = Buffer.concat([before, Buffer.from(random.pick(snippets)), cut, after]);
        break;
      default:
        if (random.chance(0.3)) now = before;
    }
  }
  return now;
}
