// The exact optimal predictor of a chain whose states are hidden: the forward algorithm (Rabiner, "A tutorial on
// hidden Markov models", Proc. IEEE 1989, section III.A), with beliefs kept sparse and nothing pruned.
// Knows nothing of any particular language, nor of models.

import type { Chain } from "./chain.ts";

/** A predictor that has seen some characters and says how probable each next one is. */
export interface Filter {
  /** Natural logarithm of p(next character | all observed), one value a character of the alphabet. */
  logProbabilities(out?: Float64Array): Float64Array;
  /**
   * Moves past one character and returns the log-probability it had. A character that cannot stand here returns
   * -Infinity, and the filter goes on as if it had been the first one seen.
   */
  observe(token: number): number;
  /** Forgets everything observed: back to a position picked at random in an endless stream. */
  reset(): void;
}

/** Makes filters of one chain; what they share is computed once. */
export function filtersOf(chain: Chain): () => Filter {
  const first = beginnings(chain);
  return () => createFilter(chain, first);
}

function createFilter(chain: Chain, first: Beginnings): Filter {
  const { alphabet, symbols, offsets, targets, probabilities } = chain;
  let belief = { states: new Int32Array(chain.states), weights: new Float64Array(chain.states), count: 0 };
  let spare = { states: new Int32Array(chain.states), weights: new Float64Array(chain.states), count: 0 };
  // Where in `spare` a state stands; valid only if spare.states agrees, so it never needs clearing.
  const place = new Int32Array(chain.states);

  const begin = (token: number): number => {
    const probability = first.probabilities[token] ?? 0;
    if (probability === 0) {
      belief.count = 0;
      return Number.NEGATIVE_INFINITY;
    }
    const states = first.states[token]!;
    belief.count = states.length;
    belief.states.set(states);
    for (let i = 0; i < states.length; i++) belief.weights[i] = chain.stationary[states[i]!]! / probability;
    return Math.log(probability);
  };

  return {
    reset() {
      belief.count = 0;
    },
    logProbabilities(out = new Float64Array(alphabet.length)) {
      if (belief.count === 0) out.set(first.probabilities);
      else {
        out.fill(0);
        for (let i = 0; i < belief.count; i++) {
          const state = belief.states[i]!;
          const weight = belief.weights[i]!;
          for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++) {
            const symbol = symbols[targets[edge]!]!;
            out[symbol] = out[symbol]! + weight * probabilities[edge]!;
          }
        }
      }
      for (let i = 0; i < out.length; i++) out[i] = Math.log(out[i]!);
      return out;
    },
    observe(token) {
      if (belief.count === 0) return begin(token);
      spare.count = 0;
      let total = 0;
      for (let i = 0; i < belief.count; i++) {
        const state = belief.states[i]!;
        const weight = belief.weights[i]!;
        for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++) {
          const target = targets[edge]!;
          if (symbols[target] !== token) continue;
          const flow = weight * probabilities[edge]!;
          total += flow;
          const at = place[target]!;
          if (at < spare.count && spare.states[at] === target) spare.weights[at] = spare.weights[at]! + flow;
          else {
            place[target] = spare.count;
            spare.states[spare.count] = target;
            spare.weights[spare.count] = flow;
            spare.count++;
          }
        }
      }
      if (spare.count === 0) {
        begin(token);
        return Number.NEGATIVE_INFINITY;
      }
      for (let i = 0; i < spare.count; i++) spare.weights[i] = spare.weights[i]! / total;
      [belief, spare] = [spare, belief];
      return Math.log(total);
    },
  };
}

/** For every character: the states that spell it, and how probable it is at a position picked at random. */
interface Beginnings {
  states: Int32Array[];
  probabilities: Float64Array;
}

function beginnings(chain: Chain): Beginnings {
  const lists: number[][] = chain.alphabet.map(() => []);
  const probabilities = new Float64Array(chain.alphabet.length);
  for (let state = 0; state < chain.states; state++) {
    const symbol = chain.symbols[state]!;
    lists[symbol]!.push(state);
    probabilities[symbol] = probabilities[symbol]! + chain.stationary[state]!;
  }
  return { states: lists.map((list) => Int32Array.from(list)), probabilities };
}
