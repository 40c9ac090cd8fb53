// JSON from elsewhere: what `JSON.parse` accepts, less what it would hide. Knows no file and no format.

/** Deeper than any file of ours or a tokenizer's; walking a value this deep cannot exhaust the stack. */
const DEEPEST = 64;

/**
 * The value of a JSON text. Throws a SyntaxError, one line, for what is not JSON, for lists and objects more than 64
 * deep, and for an object with the same key twice, of which `JSON.parse` would silently keep the last.
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\s+/g, " ").slice(0, 120) : "";
    throw new SyntaxError(`it is not JSON (${why})`);
  }
  requirePlain(text);
  return value;
}

/** Whether a value is an object and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Walks text that is known to be JSON. */
function requirePlain(text: string): void {
  // Keys of every object that is open; null for a list.
  const open: (Set<string> | null)[] = [];
  let last = "";
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at + 1);
        last = text.slice(at, end + 1);
        at = end;
        break;
      }
      case 0x3a /* : */:
        addKey(open.at(-1)!, last);
        break;
      case 0x7b /* { */:
      case 0x5b /* [ */:
        if (open.length === DEEPEST) throw new SyntaxError(`it is nested more than ${DEEPEST} deep`);
        open.push(text[at] === "{" ? new Set() : null);
        break;
      case 0x7d /* } */:
      case 0x5d /* ] */:
        open.pop();
    }
  }
}

/** Where the closing quote of a string is that begins at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at); ; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
}

function addKey(keys: Set<string> | null, quoted: string): void {
  const key = quoted.includes("\\") ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (keys!.has(key)) {
    const shown = quoted.length > 60 ? `${quoted.slice(0, 57)}...` : quoted;
    throw new SyntaxError(`it has the key ${shown} twice`);
  }
  keys!.add(key);
}
