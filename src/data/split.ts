// Training and validation text without leakage. Knows nothing of tokens or windows.

import { createHash } from "node:crypto";
import { RequestError } from "../errors.ts";
import { type Document, joinDocuments, type TextData } from "./document.ts";

export interface Split {
  training: Uint8Array;
  validation: Uint8Array;
  /** Names of documents left out because an identical one is kept. */
  duplicates: string[];
}

export interface SplitOptions {
  /** Share of the bytes, at the end, that is kept for validation; in (0, 1), default 0.1. Not for a given split. */
  validationFraction?: number | undefined;
}

/**
 * Splits text. Identical documents (same bytes) are never on both sides: of data still to be split the first copy is
 * kept, of a given split the copy in validation. Undivided data is joined and cut once, between two characters, so
 * both sides are contiguous and no window that lies in one can touch the other.
 * Errors: RequestError for a fraction outside (0, 1) or a side that would be empty.
 */
export function splitText(data: TextData, options: SplitOptions = {}): Split {
  const { validationFraction } = options;
  if (data.kind === "split") {
    if (validationFraction !== undefined) {
      throw new RequestError(
        `data: ${data.name} has its own validation file, so a validation fraction (${validationFraction}) has no ` +
          "meaning; leave it out",
      );
    }
    return keepGiven(data.name, data.training, data.validation);
  }
  return cut(data.name, data.documents, validationFraction ?? 0.1);
}

function keepGiven(name: string, training: Document[], validation: Document[]): Split {
  const heldOut = withoutRepeats(validation, new Set());
  const rest = withoutRepeats(training, new Set(heldOut.kept.map(fingerprint)));
  if (rest.kept.length === 0) {
    throw new RequestError(
      `data: the training and validation text of ${name} are identical; expected different text, name other files`,
    );
  }
  return {
    training: joinDocuments(rest.kept),
    validation: joinDocuments(heldOut.kept),
    duplicates: [...rest.dropped, ...heldOut.dropped],
  };
}

function cut(name: string, documents: Document[], fraction: number): Split {
  if (!(fraction > 0 && fraction < 1)) {
    throw new RequestError(
      `data: the validation fraction must be above 0 and below 1, got ${fraction}; the default is 0.1`,
    );
  }
  const { kept, dropped } = withoutRepeats(documents, new Set());
  const joined = joinDocuments(kept);
  const at = characterStart(joined, Math.floor(joined.length * (1 - fraction)));
  if (at === 0 || at === joined.length) {
    throw new RequestError(
      `data: ${name} has ${joined.length} bytes, too few for a validation fraction of ${fraction}; give more text`,
    );
  }
  return { training: joined.subarray(0, at), validation: joined.subarray(at), duplicates: dropped };
}

/** `at`, or the next byte after it that begins a character of UTF-8. */
export function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  // A byte 10xxxxxx continues a character, which has at most three of them.
  for (let moved = 0; moved < 3 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80; moved++) start++;
  return start;
}

function withoutRepeats(
  documents: readonly Document[],
  seen: Set<string>,
): { kept: Document[]; dropped: string[] } {
  const kept: Document[] = [];
  const dropped: string[] = [];
  for (const document of documents) {
    const print = fingerprint(document);
    if (seen.has(print)) dropped.push(document.name);
    else {
      seen.add(print);
      kept.push(document);
    }
  }
  return { kept, dropped };
}

function fingerprint(document: Document): string {
  return createHash("sha256").update(document.bytes).digest("hex");
}
