// Text to token ids and back: what a tokenizer is, and how one comes back from its description. Knows no models.

import { z } from "zod";
import { RequestError } from "../errors.ts";
import { firstIssue } from "../strict.ts";
import type { Tokens } from "./batches.ts";
import { byteTokenizer } from "./byteTokenizer.ts";
import { characterTokenizer } from "./characterTokenizer.ts";
import { fileTokenizer } from "./fileTokenizer.ts";

/** Text to token ids and back. */
export interface Tokenizer {
  kind: "characters" | "bytes" | "file";
  /** How many ids there are; ids are 0 … vocabulary - 1. */
  vocabulary: number;
  /** Ids of a text, or of its UTF-8 bytes (any bytes for the byte tokenizer). */
  encode(text: string | Uint8Array): Tokens;
  /** Token ids as text. */
  decode(ids: ArrayLike<number>): string;
  /** What of a text the tokenizer cannot spell: how many tokens are unknown, and their different characters. */
  unseen(text: string | Uint8Array): Unseen;
  /** Everything needed to make the same tokenizer again with `restoreTokenizer`; plain JSON. */
  describe(): TokenizerDescription;
}

/** What of a text a tokenizer has no token for. */
export interface Unseen {
  count: number;
  characters: string[];
}

const description = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("characters"), characters: z.string(), unknown: z.boolean() }),
  z.strictObject({ kind: z.literal("bytes") }),
  z.strictObject({
    kind: z.literal("file"),
    name: z.string(),
    tokenizer: z.record(z.string(), z.unknown()),
  }),
]);

/** A tokenizer as data, to make the same one again. */
export type TokenizerDescription =
  | { readonly kind: "characters"; readonly characters: string; readonly unknown: boolean }
  | { readonly kind: "bytes" }
  | {
      readonly kind: "file";
      readonly name: string;
      readonly tokenizer: Readonly<Record<string, unknown>>;
    };

/** The tokenizer that `describe` described. RequestError where the description is not one. */
export function restoreTokenizer(json: unknown): Tokenizer {
  const parsed = description.safeParse(json);
  if (!parsed.success) {
    throw new RequestError(
      `tokenizer: the stored description is damaged (${firstIssue(parsed.error)}); restore the run's files`,
    );
  }
  switch (parsed.data.kind) {
    case "characters":
      return characterTokenizer(parsed.data.characters, { unknown: parsed.data.unknown });
    case "bytes":
      return byteTokenizer();
    case "file":
      return fileTokenizer(parsed.data.name, parsed.data.tokenizer);
  }
}
