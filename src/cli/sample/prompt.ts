// A prompt from standard input. Knows no tokenizer.

import { RequestError, WorkError } from "../../errors.ts";
import type { Console } from "../console.ts";

/** Far more than any model sees at once. */
const MOST_BYTES = 2 ** 20;

/** All of standard input, unchanged; undefined where the user asks to stop. Errors: RequestError for what is no text. */
export async function readPrompt({ input, signal }: Console): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of input) {
      parts.push(part);
      bytes += part.length;
      if (bytes > MOST_BYTES) break;
    }
  } catch (error) {
    if (signal.aborted) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkError(`--prompt -: standard input cannot be read (${reason}); give the text itself`);
  }
  if (bytes > MOST_BYTES) {
    throw new RequestError(
      `--prompt -: standard input has more than ${MOST_BYTES} bytes; give its end alone`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch {
    throw new RequestError("--prompt -: standard input is not UTF-8; give text");
  }
}
