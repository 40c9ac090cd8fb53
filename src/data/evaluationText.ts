// The text a finished model is judged by, as tokens of its own tokenizer. Knows no models.

import { RequestError } from "../errors.ts";
import type { Tokens } from "./batches.ts";
import { type Dataset, loadDataset } from "./dataset.ts";
import { joinDocuments } from "./document.ts";
import type { Language } from "./language.ts";
import { splitText } from "./split.ts";
import { type DataFolders, loadText } from "./text.ts";
import { type TokenBytes, tokenBytes } from "./tokenBytes.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface EvaluationText {
  readonly name: string;
  /** `validation`: what is held out of training on this data; `whole`: all of it. */
  readonly part: "validation" | "whole";
  readonly tokens: Tokens;
  readonly bytes: TokenBytes;
  /** What the user should know, one line each. */
  readonly notes: readonly string[];
  /** The built-in language, where the tokens are its own; else null. */
  readonly language: Language | null;
}

/** The validation part of data that a model was trained on. */
export function validationOf(dataset: Dataset): EvaluationText {
  const { name, validation, validationText, tokenizer, notes, language } = dataset;
  const bytes = tokenBytes(tokenizer, validationText, validation);
  return { name, part: "validation", tokens: validation, bytes, notes, language };
}

/**
 * Text that a model was not trained on: the validation part where the data come split, else all of it.
 * @param data as `loadText` takes it, or "language"
 * Errors: RequestError for data that cannot be found and for what the tokenizer cannot spell.
 */
export async function loadOtherText(
  data: string,
  dataFolder: DataFolders | undefined,
  tokenizer: Tokenizer,
): Promise<EvaluationText> {
  const { name, part, text } = await heldOut(data, dataFolder, tokenizer.kind === "bytes");
  const unseen = tokenizer.unseen(text);
  if (unseen.count > 0) {
    const which = unseen.characters.map((character) => JSON.stringify(character)).join(" ");
    throw new RequestError(
      `data: ${name} has ${unseen.count} ${unseen.count === 1 ? "token" : "tokens"} that the run's tokenizer does not ` +
        `know${which === "" ? "" : ` (${which})`}; expected text like that it was trained on: replace them, or train ` +
        "with --tokenizer bytes",
    );
  }
  const tokens = tokenizer.encode(text);
  return { name, part, tokens, bytes: tokenBytes(tokenizer, text, tokens), notes: [], language: null };
}

async function heldOut(
  data: string,
  dataFolder: DataFolders | undefined,
  binary: boolean,
): Promise<{ name: string; part: EvaluationText["part"]; text: Uint8Array }> {
  if (data === "language") {
    const { name, validationText } = await loadDataset({ data });
    return { name, part: "validation", text: validationText };
  }
  const found = await loadText({ data, dataFolder, binary });
  if (found.kind === "whole") {
    return { name: found.name, part: "whole", text: joinDocuments(found.documents) };
  }
  return { name: found.name, part: "validation", text: splitText(found).validation };
}
