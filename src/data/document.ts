// A document: named bytes. Knows nothing of where they come from or how they become tokens.

export interface Document {
  /** Where it came from, for messages: a path or an address. */
  name: string;
  bytes: Uint8Array;
}

/** What a data source holds: documents still to be split, or a split that its owner has made. */
export type TextData =
  | { kind: "whole"; name: string; documents: Document[] }
  | { kind: "split"; name: string; training: Document[]; validation: Document[] };

const NEWLINE = 10;

/** Documents one after another; a newline is put between two where the first does not end in one. */
export function joinDocuments(documents: readonly Document[]): Uint8Array {
  const needsNewline = (document: Document, index: number): boolean =>
    index < documents.length - 1 && document.bytes.at(-1) !== NEWLINE;
  const size = documents.reduce(
    (sum, document, index) => sum + document.bytes.length + (needsNewline(document, index) ? 1 : 0),
    0,
  );
  const joined = new Uint8Array(size);
  let at = 0;
  documents.forEach((document, index) => {
    joined.set(document.bytes, at);
    at += document.bytes.length;
    if (needsNewline(document, index)) joined[at++] = NEWLINE;
  });
  return joined;
}
