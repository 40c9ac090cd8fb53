// What stands before and after the blocks must fit: the embedding, the class token, pooling, the head. Knows no primitive.
import { RequestError } from "../errors.ts";
import type { Architecture } from "./schema.ts";

type Ends = Pick<
  Architecture,
  | "inputs"
  | "embeddingWidth"
  | "embeddingNorm"
  | "tokenTypes"
  | "classToken"
  | "norm"
  | "block"
  | "pool"
  | "decoder"
  | "tie"
  | "stochasticDepth"
>;

/** Errors: RequestError, one line, for settings that contradict each other. */
export function checkEnds(given: Ends): void {
  const wrong = contradiction(given);
  if (wrong !== undefined) throw new RequestError(`architecture: ${wrong}`);
}

function contradiction(given: Ends): string | undefined {
  const { inputs, embeddingWidth, tokenTypes, classToken, pool, decoder } = given;
  const numbers = `with inputs ${inputs} there is no table of tokens`;
  if (inputs !== null && given.tie) return `${numbers} that the head could share; leave out tie`;
  if (inputs !== null && embeddingWidth !== null) {
    return `${numbers} that could be ${embeddingWidth} wide; leave out embeddingWidth`;
  }
  if (inputs !== null && tokenTypes !== null) {
    return `${numbers} to add the features of token types to; leave out tokenTypes`;
  }
  if (pool === "class" && classToken === null) {
    return 'pool is "class", but there is no class token; set classToken to zero or learned, or pool to average';
  }
  if (pool === null && classToken !== null) {
    return `classToken is "${classToken}", but the places are not pooled; set pool to class or average, or leave it out`;
  }
  if (pool === null && decoder !== null) {
    return `decoder is "${decoder}", but nothing is pooled that it could decode; set pool to last, average or class`;
  }
  if (given.embeddingNorm && given.norm === "none") {
    return 'embeddingNorm is true and norm is "none"; choose a norm, or leave embeddingNorm out';
  }
  if (given.stochasticDepth > 0 && given.block === "none") {
    return 'stochasticDepth leaves primitives out, but with block "none" nothing goes past them; choose another block';
  }
  return undefined;
}
