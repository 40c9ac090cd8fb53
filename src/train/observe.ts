// The activations of a trained model on tokens of one's own, by name: which experts they meet, what attention gives, …
// Knows no primitive. B texts, T length.
import { forward } from "../architecture/forward.ts";
import type { Machine } from "../backend/machine.ts";
import { RequestError } from "../errors.ts";
import { inputSource } from "../nn/parameters.ts";
import { input } from "../tensor/ops/leaf.ts";
import { program, programInputs } from "../tensor/program.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";
import type { Model } from "./model.ts";

/** Values of one activation, row-major. */
export interface Activation {
  readonly shape: Shape;
  readonly values: readonly number[];
}

const tokensName = "observed/tokens";

/**
 * All activations whose dotted names are `wanted`, such as `block.3.moe.experts` or `block.0.attention.output`, for texts of
 * equally many tokens, as an evaluation computes them; in the order of the model.
 * Errors: RequestError for texts that are empty, unequal, too long, or have tokens beyond the vocabulary.
 */
export async function observeActivations(
  machine: Machine,
  { architecture, store }: Pick<Model, "architecture" | "store">,
  texts: readonly ArrayLike<number>[],
  wanted: (name: string) => boolean,
): Promise<ReadonlyMap<string, Activation>> {
  const length = texts[0]?.length ?? 0;
  const { vocabulary, length: longest } = architecture;
  if (length < 1 || length > longest || texts.some((text) => text.length !== length)) {
    throw new RequestError(
      `texts have ${texts.map((text) => text.length).slice(0, 9)} tokens; expected texts of one length from 1 to ${longest}`,
    );
  }
  const tokens = Int32Array.from(texts.flatMap((text) => Array.from(text)));
  const bad = tokens.find((token) => token < 0 || token >= vocabulary);
  if (bad !== undefined) {
    throw new RequestError(`a text has the token ${bad}; expected tokens from 0 to ${vocabulary - 1}`);
  }
  const found: Record<string, Tensor> = {};
  forward(architecture, inputSource(), input(tokensName, [texts.length, length], "i32"), {
    observe: (name, tensor) => {
      if (wanted(name)) found[name] = tensor;
    },
  });
  const outputs = Object.entries(found).map(([name, tensor]) => [`observed/${name}`, tensor] as const);
  const observing = program(Object.fromEntries(outputs));
  for (const [name, type] of programInputs(observing)) store.allocate(name, type);
  const executable = machine.load(observing);
  try {
    if (store.type(tokensName) !== undefined) store.write(tokensName, tokens);
    await executable.run(store);
    return new Map(
      Object.entries(found).map(([name, { shape }]) => [
        name,
        { shape, values: Array.from(store.read(`observed/${name}`)) },
      ]),
    );
  } finally {
    executable.dispose();
    for (const name of [tokensName, ...outputs.map(([output]) => output)]) store.release(name);
  }
}
