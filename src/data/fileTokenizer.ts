// A Hugging Face `tokenizer.json` as a tokenizer, by the library of its makers. Knows nothing of where data lies.

import { readFile } from "node:fs/promises";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { RequestError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Reads a tokenizer file. RequestError where it is missing, no JSON, or not a tokenizer the library knows. */
export async function readTokenizerFile(path: string): Promise<Tokenizer> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    const why =
      error instanceof Error && "code" in error && error.code === "ENOENT" ? "no such file" : String(error);
    throw new RequestError(
      `tokenizer: cannot read ${path}: ${why}; expected characters, bytes or the path of a tokenizer.json`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    throw new RequestError(`tokenizer: ${path} is not JSON; expected a Hugging Face tokenizer.json`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw notATokenizer(path, "no object");
  return fileTokenizer(path, { ...json });
}

/**
 * The tokenizer of a parsed tokenizer.json. Special tokens are not added around a text, since a training text is one
 * long stream, and are kept when decoding.
 * @param name where it came from, for messages
 */
export function fileTokenizer(name: string, json: Record<string, unknown>): Tokenizer {
  let library: LibraryTokenizer;
  let vocabulary = 0;
  try {
    // Word-level models take their unknown token from here; spaces must come back as they were.
    library = new LibraryTokenizer(json, {
      unk_token: unknownToken(json),
      clean_up_tokenization_spaces: false,
    });
    for (const id of library.get_vocab(true).values()) vocabulary = Math.max(vocabulary, id + 1);
  } catch (error) {
    throw notATokenizer(name, error instanceof Error ? error.message.split("\n")[0]! : String(error));
  }
  if (vocabulary === 0) throw notATokenizer(name, "its vocabulary is empty");
  const unknownId = library.token_to_id(unknownToken(json) ?? "") ?? -1;
  const asString = (text: string | Uint8Array): string =>
    typeof text === "string" ? text : new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
  const encode = (text: string | Uint8Array): Uint16Array | Uint32Array => {
    const ids: readonly (number | undefined)[] = library.encode(asString(text), {
      add_special_tokens: false,
    }).ids;
    const tokens = vocabulary <= 0x10000 ? new Uint16Array(ids.length) : new Uint32Array(ids.length);
    ids.forEach((id, at) => {
      if (id === undefined) {
        throw new RequestError(
          `tokenizer: ${name} has neither a token for a part of the text nor an unknown token; use another tokenizer`,
        );
      }
      tokens[at] = id;
    });
    return tokens;
  };
  return {
    kind: "file",
    vocabulary,
    encode,
    decode: (ids) =>
      ids.length === 0 ? "" : library.decode(Array.from(ids), { skip_special_tokens: false }),
    unseen: (text) => ({
      count: unknownId < 0 ? 0 : encode(text).filter((id) => id === unknownId).length,
      characters: [],
    }),
    describe: () => ({ kind: "file", name, tokenizer: json }),
  };
}

/** The model's token for what it cannot spell; undefined where it has none, as byte-level models do. */
function unknownToken(json: Record<string, unknown>): string | undefined {
  const { model } = json;
  if (typeof model !== "object" || model === null || !("unk_token" in model)) return undefined;
  return typeof model.unk_token === "string" ? model.unk_token : undefined;
}

function notATokenizer(name: string, why: string): RequestError {
  return new RequestError(
    `tokenizer: ${name} is not a Hugging Face tokenizer.json (${why}); give another file`,
  );
}
