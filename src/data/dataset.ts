// From a request to training and validation tokens: the one function a run calls for its data. Knows no models.

import { RequestError } from "../errors.ts";
import type { Tokens } from "./batches.ts";
import { byteTokenizer } from "./byteTokenizer.ts";
import { charactersOf, characterTokenizer } from "./characterTokenizer.ts";
import { readTokenizerFile } from "./fileTokenizer.ts";
import { createLanguage, type Language } from "./language.ts";
import { splitText } from "./split.ts";
import { type DataFolders, loadText } from "./text.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Which text, how it becomes tokens, and how much of it is kept for validation. */
export interface DatasetRequest {
  /** FILE, DIR, GLOB, URL or NAME as `loadText` takes them; "language" or undefined: the built-in language. */
  data?: string | undefined;
  /** The folder of data sets, or several that are looked into in this order (the caller reads SCANTLING_DATA). */
  dataFolder?: DataFolders | undefined;
  /** "characters" (default), "bytes", or the path of a tokenizer.json. Not for the built-in language. */
  tokenizer?: string | undefined;
  /** A tokenizer from an earlier run, instead of `tokenizer`. */
  restored?: Tokenizer | undefined;
  /** Share of the text kept for validation, default 0.1. Not for data that come split, nor the language. */
  validationFraction?: number | undefined;
}

/** Tokens to train on and tokens to validate with. */
export interface Dataset {
  name: string;
  tokenizer: Tokenizer;
  training: Tokens;
  validation: Tokens;
  /** The text that `validation` encodes. */
  validationText: Uint8Array;
  /** What the user should know, one line each: dropped duplicates, characters that training lacks. */
  notes: string[];
  /** The built-in language, which knows its optimum; null for any other data. */
  language: Language | null;
}

// Enough that a default run of a few minutes sees nothing twice; 512 windows of 128 make the validation loss steady.
const LANGUAGE_TRAINING = { seed: 1, tokens: 2 ** 23 };
const LANGUAGE_VALIDATION = { seed: 2, tokens: 2 ** 16 + 1 };

/** Loads, splits and encodes. Errors: RequestError for whatever of the request or the data is wrong. */
export async function loadDataset(request: DatasetRequest): Promise<Dataset> {
  if (request.data === undefined || request.data === "language") return languageDataset(request);
  const choice = request.tokenizer ?? "characters";
  const binary = (request.restored?.kind ?? choice) === "bytes";
  const text = await loadText({ data: request.data, dataFolder: request.dataFolder, binary });
  const split = splitText(text, { validationFraction: request.validationFraction });
  const tokenizer = request.restored ?? (await makeTokenizer(choice, split.training));
  const notes: string[] = [];
  if (split.duplicates.length > 0) {
    notes.push(`left out ${split.duplicates.length} duplicate documents: ${split.duplicates.join(", ")}`);
  }
  const unseen = tokenizer.unseen(split.validation);
  if (unseen.count > 0) {
    const which = unseen.characters.map((character) => JSON.stringify(character)).join(" ");
    notes.push(
      `${unseen.count} validation tokens are unknown to the tokenizer${which === "" ? "" : `: ${which}`}`,
    );
  }
  return {
    name: text.name,
    tokenizer,
    training: tokenizer.encode(split.training),
    validation: tokenizer.encode(split.validation),
    validationText: split.validation,
    notes,
    language: null,
  };
}

async function makeTokenizer(choice: string, training: Uint8Array): Promise<Tokenizer> {
  switch (choice) {
    case "characters":
      return characterTokenizer(charactersOf(training));
    case "bytes":
      return byteTokenizer();
    default:
      return readTokenizerFile(choice);
  }
}

function languageDataset(request: DatasetRequest): Dataset {
  if (request.tokenizer !== undefined && request.tokenizer !== "characters") {
    throw new RequestError(
      `data: the built-in language is made of characters, so it takes no tokenizer ${request.tokenizer}; ` +
        "leave --tokenizer out or give --data",
    );
  }
  if (request.validationFraction !== undefined) {
    throw new RequestError(
      "data: the built-in language comes split, so a validation fraction has no meaning; leave it out or give --data",
    );
  }
  const language = createLanguage();
  const validation = language.generate(LANGUAGE_VALIDATION.seed, LANGUAGE_VALIDATION.tokens);
  return {
    name: "language",
    tokenizer: characterTokenizer(language.alphabet.join(""), { unknown: false }),
    training: language.generate(LANGUAGE_TRAINING.seed, LANGUAGE_TRAINING.tokens),
    validation,
    validationText: new TextEncoder().encode(language.decode(validation)),
    notes: [],
    language,
  };
}
