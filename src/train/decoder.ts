// Continues texts on a machine, one token of each at a time, with caches instead of the whole text again. Knows no
// tokenizer and no chance. B texts, T the architecture's length, V vocabulary.
//
// A model never sees more than T tokens, as in training. When the T places are full, the later half of what it saw
// (rounded up) becomes the beginning of a new window and is read again at positions from 0: a cache with its oldest
// tokens dropped would hold other values than the model computes from the tokens left, because theirs came from those
// dropped. So a token is drawn from at least T/2 and at most T tokens before it (where there are so many), and reading
// again costs about one more token's work for each token.
import type { Architecture } from "../architecture/architecture.ts";
import { decodingNames, decodingState, prefillProgram, stepProgram } from "../architecture/decode.ts";
import type { Executable, Machine, NumericArray, Store } from "../backend/machine.ts";
import { programInputs } from "../tensor/program.ts";

export interface Decoder {
  /** Reads the beginnings of the texts, which have one length from 1 to T; gives the logits after them [B, V], live memory. */
  begin(texts: readonly ArrayLike<number>[]): Promise<NumericArray>;
  /** Adds a token to each text; gives the logits after them. */
  next(tokens: readonly number[]): Promise<NumericArray>;
  dispose(): void;
}

/** Below this many tokens steps take less time than making a program that reads them at once. */
const PREFILL_FROM = 16;
/** Programs for beginnings of different lengths that are kept. */
const PREFILLS = 4;

/**
 * A decoder of `batch` texts on the parameters in `store`, one at a time for each store.
 * Errors: RequestError for an architecture that is not causal.
 */
export function createDecoder(
  machine: Machine,
  architecture: Architecture,
  store: Store,
  batch: number,
): Decoder {
  const { length } = architecture;
  const stepping = stepProgram(architecture, batch);
  for (const [name, type] of programInputs(stepping)) store.allocate(name, type);
  store.allocate(decodingNames.position, { shape: [], dtype: "i32" }); // read by no program that knows no positions
  const step = machine.load(stepping);
  const state = decodingState(architecture, batch);
  const prefills = new Map<number, Executable | undefined>();
  /** What the model has seen: the tokens of each text since the window began. */
  let windows: number[][] = [];

  const prefillOf = (count: number): Executable | undefined => {
    if (!prefills.has(count)) {
      const prefilling = prefillProgram(architecture, batch, count);
      prefills.set(count, prefilling && machine.load(prefilling));
      const [oldest] = prefills.keys();
      if (prefills.size > PREFILLS) {
        prefills.get(oldest!)?.dispose();
        prefills.delete(oldest!);
      }
    }
    return prefills.get(count);
  };
  const runStep = async (position: number, tokens: readonly number[]): Promise<void> => {
    store.write(decodingNames.position, [position]);
    store.write(decodingNames.tokens, tokens);
    await step.run(store);
  };
  const begin = async (texts: readonly ArrayLike<number>[]): Promise<NumericArray> => {
    windows = texts.map((text) => Array.from(text));
    const count = windows[0]!.length;
    const prefill = count < PREFILL_FROM ? undefined : prefillOf(count);
    if (prefill === undefined) {
      for (const [name, { initial }] of state) store.write(name, store.read(name).slice().fill(initial));
      for (let i = 0; i < count; i++) {
        const tokens = windows.map((text) => text[i]!);
        await runStep(i, tokens);
      }
    } else {
      store.release(decodingNames.prompt);
      store.allocate(decodingNames.prompt, { shape: [batch, count], dtype: "i32" });
      store.write(decodingNames.prompt, windows.flat());
      await prefill.run(store);
    }
    return store.read(decodingNames.logits);
  };
  return {
    begin,
    async next(tokens) {
      const position = windows[0]!.length;
      for (const [i, text] of windows.entries()) text.push(tokens[i]!);
      if (position === length) return begin(windows.map((text) => text.slice(-Math.ceil(length / 2))));
      await runStep(position, tokens);
      return store.read(decodingNames.logits);
    },
    dispose() {
      step.dispose();
      for (const prefill of prefills.values()) prefill?.dispose();
      for (const name of [...Object.values(decodingNames), ...state.keys()]) store.release(name);
    },
  };
}
