// A Hugging Face `tokenizer.json` as a tokenizer, by the library of its makers. Knows nothing of where data lies.

import { totalmem } from "node:os";
import { RequestError } from "../errors.ts";
import { InputFileError, largest, readInputFile } from "../inputFile.ts";
import { isObject, parseJson } from "../json.ts";
import { show } from "../strict.ts";
import { reason } from "./readText.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { type Reply, type Request, startTokenizerThread, type TokenizerThread } from "./tokenizerThread.ts";

/** What fits into one string of V8, which the library takes. */
const LONGEST = 2 ** 29 - 24;

/** Reads a tokenizer file. RequestError where it is missing, no JSON, or not a tokenizer the library knows. */
export async function readTokenizerFile(
  path: string,
  options: FileTokenizerOptions = {},
): Promise<Tokenizer> {
  let content: Buffer;
  try {
    content = readInputFile(path, largest.settings);
  } catch (error) {
    const why = error instanceof InputFileError ? error.message : reason(error);
    throw new RequestError(
      `tokenizer: cannot read ${path}: ${why}; expected characters, bytes or the path of a tokenizer.json`,
    );
  }
  let json: unknown;
  try {
    json = parseJson(content.toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw notATokenizer(path, error.message);
  }
  if (!isObject(json)) throw notATokenizer(path, "no object");
  return fileTokenizer(path, json, options);
}

export interface FileTokenizerOptions {
  /** Milliseconds that any call may take, besides 20 µs a character; default 10,000. */
  readonly patience?: number;
}

const MICROSECONDS_A_CHARACTER = 20;
/** Heap of the thread for a small tokenizer and a small text, in MiB, and for each further character, in bytes; at most half
 * of the machine's memory. */
const SMALLEST_HEAP = 128;
const HEAP_A_CHARACTER = { tokenizer: 60, text: 800 };
/** Larger than any vocabulary there is, and small enough for a table. */
const LARGEST_VOCABULARY = 2 ** 24;

/**
 * The tokenizer of a parsed tokenizer.json. Special tokens are not added around a text, since a training text is one
 * long stream, and are kept when decoding. Errors: RequestError for what is not a tokenizer and, when it is used, for
 * one that fails on a text or takes time and memory beyond all proportion to it.
 * @param name where it came from, for messages
 */
export function fileTokenizer(
  name: string,
  json: Record<string, unknown>,
  options: FileTokenizerOptions = {},
): Tokenizer {
  const vocabulary = vocabularyOf(name, json);
  const library = openLibrary(name, json, options.patience ?? 10_000);
  const asString = (text: string | Uint8Array): string => {
    if (text.length > LONGEST) {
      throw new RequestError(
        `tokenizer: the text has ${text.length} bytes, ${name} takes at most ${LONGEST} at once; give less text, or use ` +
          "characters or bytes",
      );
    }
    return typeof text === "string" ? text : new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
  };
  const encode = (text: string | Uint8Array): Uint16Array | Uint32Array => {
    const ids = library.encode(asString(text));
    for (const id of ids) {
      if (id >= 0 && id < vocabulary) continue;
      throw new RequestError(
        `tokenizer: ${name} has neither a token for a part of the text nor an unknown token; use another tokenizer`,
      );
    }
    return vocabulary <= 0x10000 ? Uint16Array.from(ids) : Uint32Array.from(ids);
  };
  return {
    kind: "file",
    vocabulary,
    encode,
    decode: (ids) => (ids.length === 0 ? "" : library.decode(Array.from(ids))),
    unseen: (text) => ({
      count: library.unknownId < 0 ? 0 : encode(text).filter((id) => id === library.unknownId).length,
      characters: [],
    }),
    describe: () => ({ kind: "file", name, tokenizer: json }),
  };
}

/** Ends threads, the one that was started first at the front; a tokenizer whose thread was ended starts another. */
const running: (() => void)[] = [];
const MOST_THREADS = 4;

interface Library {
  /** The id of the unknown token; -1: none. */
  readonly unknownId: number;
  encode(text: string): Int32Array;
  decode(ids: readonly number[]): string;
}

/** The library on a thread, which is replaced by one with more memory when a text is long. */
function openLibrary(name: string, json: Record<string, unknown>, patience: number): Library {
  const unknownToken = unknownTokenOf(json);
  const size = JSON.stringify(json).length;
  let thread: TokenizerThread | undefined;
  let heap = 0;
  const end = (): void => {
    thread?.end();
    thread = undefined;
    const place = running.indexOf(end);
    if (place >= 0) running.splice(place, 1);
  };
  const call = (request: Request, length: number): Exclude<Reply, { kind: "failed" }> => {
    const reply = thread!.call(request, patience + (length * MICROSECONDS_A_CHARACTER) / 1000);
    if (reply === undefined) {
      end();
      throw new RequestError(
        `tokenizer: ${name} takes more time or memory than a text of ${length} characters ever should; use another ` +
          "tokenizer",
      );
    }
    if (reply.kind !== "failed") return reply;
    if (request.kind === "open") throw notATokenizer(name, firstLine(reply.why));
    throw new RequestError(
      `tokenizer: ${name} cannot ${request.kind} this (${firstLine(reply.why)}); use another tokenizer`,
    );
  };
  const open = (length: number): number => {
    const { tokenizer, text } = HEAP_A_CHARACTER;
    const wanted = SMALLEST_HEAP + Math.ceil((size * tokenizer + length * text) / 2 ** 20);
    const needed = Math.min(wanted, Math.floor(totalmem() / 2 ** 21));
    if (thread !== undefined && needed <= heap) return -1;
    end();
    heap = needed;
    while (running.length >= MOST_THREADS) running[0]!();
    thread = startTokenizerThread(heap);
    running.push(end);
    const reply = call({ kind: "open", json, unknownToken }, size);
    return reply.kind === "opened" ? reply.unknownId : -1;
  };
  const unknownId = open(0);
  return {
    unknownId,
    encode(text) {
      open(text.length);
      const reply = call({ kind: "encode", text }, text.length);
      return reply.kind === "ids" ? reply.ids : new Int32Array();
    },
    decode(ids) {
      open(ids.length);
      const reply = call({ kind: "decode", ids }, ids.length);
      return reply.kind === "text" ? reply.text : "";
    },
  };
}

/** One more than the largest id. */
function vocabularyOf(name: string, { model, added_tokens: added }: Record<string, unknown>): number {
  if (!isObject(model)) throw notATokenizer(name, "it has no model");
  const { vocab = {} } = model;
  if (typeof vocab !== "object" || vocab === null) throw notATokenizer(name, "its model has no vocabulary");
  const ids: unknown[] = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab);
  for (const token of Array.isArray(added) ? added : []) ids.push(isObject(token) ? token.id : undefined);
  let vocabulary = 0;
  for (const id of ids) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= LARGEST_VOCABULARY) {
      throw notATokenizer(name, `${show(id)} is no token id`);
    }
    vocabulary = Math.max(vocabulary, (id as number) + 1);
  }
  if (vocabulary === 0) throw notATokenizer(name, "its vocabulary is empty");
  return vocabulary;
}

/** The model's token for what it cannot spell; undefined where it has none, as byte-level models do. */
function unknownTokenOf({ model }: Record<string, unknown>): string | undefined {
  return isObject(model) && typeof model.unk_token === "string" ? model.unk_token : undefined;
}

function firstLine(message: string): string {
  return message.split("\n")[0]!.slice(0, 200);
}

function notATokenizer(name: string, why: string): RequestError {
  return new RequestError(
    `tokenizer: ${name} is not a Hugging Face tokenizer.json (${why}); give another file`,
  );
}
