// A language grammar as a Markov chain with one character a state (Glushkov's construction), and where the chain is
// in the long run. Knows nothing of filters or of any particular language.

import { RequestError } from "../errors.ts";
import type { Grammar, LanguageGrammar } from "./grammar.ts";

/** A sparse chain; the edges of state s are those from offsets[s] to offsets[s + 1]. */
export interface Chain {
  states: number;
  /** The characters in use, sorted by code point. */
  alphabet: readonly string[];
  /** The character of each state, as an index of the alphabet. */
  symbols: Uint8Array;
  offsets: Int32Array;
  targets: Int32Array;
  probabilities: Float64Array;
  /** The probability of each state at a position picked at random in an endless stream. */
  stationary: Float64Array;
}

/** What may come next: states and their probabilities, which sum to 1. */
interface Next {
  states: number[];
  probabilities: number[];
}

/**
 * Builds the chain. A document is read from right to left: each piece is given what follows it and returns what it
 * begins with. The first characters of separator and joint are made first, because loops lead back to them.
 * Errors: RequestError for an empty separator or joint, a weight that is not positive, `another` outside [0, 1),
 * more than 256 different characters, or a character outside the basic multilingual plane.
 */
export function buildChain(grammar: LanguageGrammar): Chain {
  checkProbability(grammar.another);
  const characters: string[] = [];
  const following: Next[] = [];

  const addState = (character: string, next: Next): number => {
    characters.push(character);
    following.push(next);
    return characters.length - 1;
  };
  const addText = (text: string, next: Next): Next => {
    checkText(text);
    let result = next;
    for (let i = text.length - 1; i >= 0; i--) {
      result = { states: [addState(text[i]!, result)], probabilities: [1] };
    }
    return result;
  };
  const addPiece = (piece: Grammar, next: Next): Next => {
    switch (piece.kind) {
      case "text":
        return addText(piece.text, next);
      case "sequence":
        return piece.parts.reduceRight((result, part) => addPiece(part, result), next);
      case "choice":
        return mix(
          piece.options.map((option) => ({
            weight: option.weight,
            next: addPiece(option.grammar, next),
          })),
        );
    }
  };

  if (grammar.separator === "" || grammar.joint === "") {
    throw new RequestError("grammar: separator and joint need at least one character each");
  }
  checkText(grammar.separator + grammar.joint);
  const notYet: Next = { states: [], probabilities: [] };
  const start = addState(grammar.separator[0]!, notYet);
  // Expected visits of each loop head in one document.
  const heads = new Map([[start, 1]]);
  const totalWeight = grammar.documents.reduce((sum, { weight }) => sum + weight, 0);
  const openings = grammar.documents.map((document) => {
    const joint = addState(grammar.joint[0]!, notYet);
    const sentences = grammar.another / (1 - grammar.another);
    heads.set(joint, (document.weight / totalWeight) * sentences);
    // An edge of probability 0 would be no edge.
    const after: Next =
      grammar.another === 0
        ? { states: [start], probabilities: [1] }
        : { states: [joint, start], probabilities: [grammar.another, 1 - grammar.another] };
    following[joint] = addText(grammar.joint.slice(1), addPiece(document.sentence, after));
    return { weight: document.weight, next: addPiece(document.opening, after) };
  });
  following[start] = addText(grammar.separator.slice(1), mix(openings));
  return pack(characters, following, heads);
}

function mix(options: readonly { weight: number; next: Next }[]): Next {
  let total = 0;
  for (const { weight } of options) {
    if (!(weight > 0) || !Number.isFinite(weight)) {
      throw new RequestError(`grammar: a weight must be positive and finite, got ${weight}`);
    }
    total += weight;
  }
  if (total === 0) throw new RequestError("grammar: a choice needs at least one option");
  const result: Next = { states: [], probabilities: [] };
  for (const { weight, next } of options) {
    for (let i = 0; i < next.states.length; i++) {
      result.states.push(next.states[i]!);
      result.probabilities.push((next.probabilities[i]! * weight) / total);
    }
  }
  return result;
}

function pack(
  characters: readonly string[],
  following: readonly Next[],
  heads: ReadonlyMap<number, number>,
): Chain {
  const states = characters.length;
  const alphabet = [...new Set(characters)].sort();
  if (alphabet.length > 256) {
    throw new RequestError(`grammar: at most 256 characters, got ${alphabet.length}`);
  }
  const indexOf = new Map(alphabet.map((character, index) => [character, index]));
  const symbols = Uint8Array.from(characters, (character) => indexOf.get(character)!);
  const offsets = new Int32Array(states + 1);
  following.forEach((next, state) => {
    offsets[state + 1] = offsets[state]! + next.states.length;
  });
  const targets = new Int32Array(offsets[states]!);
  const probabilities = new Float64Array(offsets[states]!);
  following.forEach((next, state) => {
    targets.set(next.states, offsets[state]!);
    probabilities.set(next.probabilities, offsets[state]!);
  });
  const chain = { states, alphabet, symbols, offsets, targets, probabilities };
  return { ...chain, stationary: findStationary(chain, heads) };
}

/**
 * Expected visits of each state in one document, normalised. Those of the loop heads (where a document or a further
 * sentence begins) are known beforehand. Every other edge leads from a higher to a lower number, because states were
 * added from right to left: one pass down finds the rest.
 */
function findStationary(chain: Omit<Chain, "stationary">, heads: ReadonlyMap<number, number>): Float64Array {
  const { states, offsets, targets, probabilities } = chain;
  const visits = new Float64Array(states);
  const isHead = new Uint8Array(states);
  for (const head of heads.keys()) isHead[head] = 1;
  const visit = (state: number, mass: number): void => {
    visits[state] = mass;
    for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++) {
      const target = targets[edge]!;
      if (!isHead[target]) visits[target] = visits[target]! + mass * probabilities[edge]!;
    }
  };
  for (const [head, mass] of heads) visit(head, mass);
  for (let state = states - 1; state >= 0; state--) {
    if (!isHead[state]) visit(state, visits[state]!);
  }
  const total = visits.reduce((sum, value) => sum + value, 0);
  return visits.map((value) => value / total);
}

function checkText(text: string): void {
  if (/[\ud800-\udfff]/.test(text)) {
    throw new RequestError(
      `grammar: only characters of the basic multilingual plane, got ${JSON.stringify(text)}`,
    );
  }
}

function checkProbability(another: number): void {
  if (!(another >= 0 && another < 1)) {
    throw new RequestError(`grammar: "another" must be in [0, 1), got ${another}`);
  }
}
