// Programs that continue texts token by token, with what the modules carry as state in the store. Knows no sampling.
// B texts, T length, V vocabulary.
import { RequestError } from "../errors.ts";
import { inputSource } from "../nn/parameters.ts";
import type { Module, State, StateType } from "../nn/primitive.ts";
import type { Scope } from "../nn/scope.ts";
import { fill, input } from "../tensor/ops/leaf.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { type Program, program } from "../tensor/program.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { forward } from "./forward.ts";
import type { Architecture } from "./schema.ts";
import { blocksOf, stripeModules } from "./stripe.ts";

/** The programs' values in a store, besides parameters and state. */
export const decodingNames = {
  /** One token of each text, i32 [B, 1]. */
  tokens: "decoding/tokens",
  /** How many tokens each text has had, i32 []. */
  position: "decoding/position",
  /** The beginnings of the texts, i32 [B, T]. */
  prompt: "decoding/prompt",
  /** For the token after the last, [B, V], nats. */
  logits: "decoding/logits",
} as const;

const stateName = (path: string, name: string): string => `decoding/${path}/${name}`;

/**
 * The program of one more token: reads `tokens` at `position`, gives `logits`, and updates the state.
 * Errors: RequestError for an architecture that cannot go token by token.
 */
export function stepProgram(architecture: Architecture, batch: number): Program {
  requireSteps(architecture);
  const position = input(decodingNames.position, [], "i32");
  const tokens = input(decodingNames.tokens, [batch, 1], "i32");
  const { width, length } = architecture;
  const updates: Record<string, Tensor> = {};
  const apply = (module: Module, scope: Scope, x: Tensor): Tensor => {
    const types = Object.entries(module.state(batch, length));
    const before: State = Object.fromEntries(
      types.map(([name, { shape, dtype }]) => [name, input(stateName(scope.path, name), shape, dtype)]),
    );
    const { y, state } = module.step(scope, reshape(x, [batch, width]), before, position);
    for (const [name] of types) updates[stateName(scope.path, name)] = state[name]!;
    return reshape(y, [batch, 1, width]);
  };
  const logits = forward(architecture, inputSource(), tokens, { start: position, apply });
  return program({ [decodingNames.logits]: reshape(logits, [batch, architecture.vocabulary]) }, updates);
}

/**
 * The program of the first `count` tokens at once: reads `prompt`, gives the `logits` after its last token and the state
 * that as many steps leave; undefined where a module can only step. Errors: RequestError as for `stepProgram`.
 */
export function prefillProgram(
  architecture: Architecture,
  batch: number,
  count: number,
): Program | undefined {
  requireSteps(architecture);
  if (stripeModules(architecture).some(({ prefill }) => prefill === undefined)) return undefined;
  const updates: Record<string, Tensor> = {};
  const apply = (module: Module, scope: Scope, x: Tensor): Tensor => {
    const { y, state } = module.prefill!(scope, x, architecture.length);
    for (const [name, tensor] of Object.entries(state)) updates[stateName(scope.path, name)] = tensor;
    return y;
  };
  const prompt = input(decodingNames.prompt, [batch, count], "i32");
  const logits = forward(architecture, inputSource(), prompt, {
    position: fill(count - 1, [], "i32"),
    apply,
  });
  return program({ [decodingNames.logits]: reshape(logits, [batch, architecture.vocabulary]) }, updates);
}

/** Everything the programs carry for `batch` texts, by its name in the store. */
export function decodingState(architecture: Architecture, batch: number): Map<string, StateType> {
  const types = new Map<string, StateType>();
  const apply = (module: Module, scope: Scope, x: Tensor): Tensor => {
    for (const [name, type] of Object.entries(module.state(batch, architecture.length))) {
      types.set(stateName(scope.path, name), type);
    }
    return x;
  };
  forward(architecture, inputSource(), input(decodingNames.tokens, [batch, 1], "i32"), { apply });
  return types;
}

/** Numbers that decoding holds of one text of the full length. */
export function keptNumbers(architecture: Architecture): number {
  return blocksOf(architecture)
    .flatMap(({ places }) => places)
    .reduce((sum, { module }) => sum + module.kept(architecture.length), 0);
}

/** Whether every module can go token by token. */
export function writesText(architecture: Architecture): boolean {
  return (
    architecture.pool === null && stripeModules(architecture).every(({ decodes }) => decodes !== "never")
  );
}

function requireSteps(architecture: Architecture): void {
  if (architecture.pool !== null) {
    throw new RequestError(
      `architecture: its pool is ${architecture.pool}, one place for a whole sequence, so it cannot write a text token by ` +
        "token; use one without a pool",
    );
  }
  const acausal = stripeModules(architecture).find(({ decodes }) => decodes === "never");
  if (acausal === undefined) return;
  throw new RequestError(
    `architecture: ${acausal.name} is not causal, so it cannot write a text token by token; use one that is`,
  );
}
