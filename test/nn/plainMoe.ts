// Layers of experts in plain loops: WideNet's router with its quirks, written with the masks and slots of its code, and
// token choice in general, with a counter for each expert. N tokens, D width, E experts, K choices.
import { list, type Parameter, total } from "./mixers.ts";

export const softmax = (logits: readonly number[]): number[] => {
  const top = Math.max(...logits);
  const all = total(logits.length, (e) => Math.exp(logits[e]! - top));
  return logits.map((logit) => Math.exp(logit - top) / all);
};

export const geluTanh = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Indices of the k largest, the first of equals first. */
const largest = (values: readonly number[], k: number): number[] =>
  values
    .map((value, i) => ({ value, i }))
    .sort((a, b) => b.value - a.value || a.i - b.i)
    .slice(0, k)
    .map(({ i }) => i);

export interface Network {
  readonly hidden: number;
  readonly bias: boolean;
  readonly activationAfter: boolean;
}

/** Expert e's feed-forward layer with GELU, parameters named `prefix` up and down. */
export function plainExpert(
  p: Parameter,
  { hidden, bias, activationAfter }: Network,
  e: number,
  x: readonly number[],
): number[] {
  const layer = (name: string, from: readonly number[], outputs: number) =>
    list(
      outputs,
      (j) =>
        total(from.length, (i) => from[i]! * p(`${name}.weight`)(e, i, j)) +
        (bias ? p(`${name}.bias`)(e, j) : 0),
    );
  const down = layer("down", layer("up", x, hidden).map(geluTanh), x.length);
  return activationAfter ? down.map(geluTanh) : down;
}

export interface Routed {
  readonly y: number[][];
  /** [N][K]. */
  readonly experts: number[][];
  readonly gates: number[][];
  /** Whether a choice found a place, [N][K]. */
  readonly kept: boolean[][];
  /** Before its weight. */
  readonly balance: number;
  readonly load: number[];
  readonly entropy: number;
}

const routerLogits = (p: Parameter, x: readonly number[][], experts: number) =>
  x.map((row) => list(experts, (e) => total(row.length, (d) => row[d]! * p("router.weight")(d, e))));

const meanEntropy = (rows: readonly number[][]) =>
  total(rows.length, (n) => -total(rows[n]!.length, (e) => rows[n]![e]! * Math.log(rows[n]![e]!))) /
  rows.length;

/** WideNet's Router and Switch: masks summed along tokens from 1, slots beyond the buffer empty, raw probabilities. */
export function plainWideNet(
  x: readonly number[][],
  p: Parameter,
  network: Network,
  options: {
    readonly experts: number;
    readonly chosen: number;
    readonly capacity: number;
    readonly noise: readonly number[][];
  },
): Routed {
  const { experts: E, chosen: K, noise } = options;
  const N = x.length;
  const slots = Math.floor((N * options.capacity * K) / E);
  const probabilities = routerLogits(p, x, E).map((row, n) => softmax(row.map((v, e) => v + noise[n]![e]!)));
  const index = probabilities.map((row) => largest(row, K));
  const mask = index.map((chosen) => list(E, (e): number => Number(chosen.includes(e))));
  const position = mask.map((row, n) => row.map((m, e) => m * total(n + 1, (before) => mask[before]![e]!)));
  const density = list(E, (e) => total(N, (n) => mask[n]![e]! / K) / N);
  const proxy = list(E, (e) => total(N, (n) => probabilities[n]![e]!) / N);
  const balance = (total(E, (e) => density[e]! * proxy[e]!) / E) * E ** 2;
  // combined[n][e][slot], and what the experts make of their whole buffers.
  const combined = list(N, (n) =>
    list(E, (e) =>
      list(slots, (slot) => (mask[n]![e] === 1 && position[n]![e] === slot ? probabilities[n]![e]! : 0)),
    ),
  );
  const made = list(E, (e) =>
    list(slots, (slot) =>
      plainExpert(
        p,
        network,
        e,
        x[0]!.map((_, d) => total(N, (n) => (combined[n]![e]![slot]! > 0 ? x[n]![d]! : 0))),
      ),
    ),
  );
  return {
    y: list(N, (n) =>
      x[0]!.map((_, d) =>
        total(E, (e) => total(slots, (slot) => combined[n]![e]![slot]! * made[e]![slot]![d]!)),
      ),
    ),
    experts: index,
    gates: index.map((chosen, n) => chosen.map((e) => probabilities[n]![e]!)),
    kept: index.map((chosen, n) => chosen.map((e) => combined[n]![e]!.some((gate) => gate > 0))),
    balance,
    load: density,
    entropy: meanEntropy(probabilities),
  };
}

export interface TokenChoice {
  readonly experts: number;
  readonly prototypes: number;
  readonly chosen: number;
  readonly gates: "raw" | "renormalised";
  readonly order: "tokens" | "choices" | "gates";
  /** Of an expert in each group. */
  readonly places: number;
}

/** Token choice, one group of tokens after the other. */
export function plainTokenChoice(
  groups: readonly (readonly number[][])[],
  p: Parameter,
  network: Network,
  { experts, prototypes, chosen, gates, order, places }: TokenChoice,
): Routed {
  const each = experts / prototypes;
  const rows = groups.flat();
  const probabilities = routerLogits(p, rows, experts).map((row) =>
    list(prototypes, (z) => softmax(row.slice(z * each, (z + 1) * each))),
  );
  const picked = probabilities.map((row) => row.map((of) => largest(of, chosen)));
  const index = picked.map((row) => row.flatMap((of, z) => of.map((e) => z * each + e)));
  const gate = picked.map((row, n) =>
    row.flatMap((of, z) => {
      const raw = of.map((e) => probabilities[n]![z]![e]!);
      return gates === "raw" ? raw : raw.map((value) => value / total(chosen, (k) => raw[k]!));
    }),
  );
  const kept = index.map((row) => row.map(() => false));
  const choices = prototypes * chosen;
  groups.forEach((group, g) => {
    const first = total(g, (before) => groups[before]!.length);
    const numbers = list(group.length, (n) => first + n);
    const best = (n: number) => Math.max(...gate[n]!);
    if (order === "gates") numbers.sort((a, b) => best(b) - best(a) || a - b);
    const byToken = numbers.flatMap((n) => list(choices, (k) => ({ n, k })));
    const byRank = list(chosen, (rank) => byToken.filter(({ k }) => k % chosen === rank)).flat();
    const used = list(experts, () => 0);
    for (const { n, k } of order === "tokens" ? byToken : byRank) {
      const e = index[n]![k]!;
      if (used[e]! < places) kept[n]![k] = true;
      used[e]!++;
    }
  });
  const load = list(
    experts,
    (e) => index.flat().filter((chosenExpert) => chosenExpert === e).length / index.flat().length,
  );
  const mean = (e: number) => total(rows.length, (n) => probabilities[n]!.flat()[e]!) / rows.length;
  return {
    y: rows.map((row, n) =>
      row.map((_, d) =>
        total(choices, (k) =>
          kept[n]![k]! ? gate[n]![k]! * plainExpert(p, network, index[n]![k]!, row)[d]! : 0,
        ),
      ),
    ),
    experts: index,
    gates: gate,
    kept,
    balance: each * total(experts, (e) => load[e]! * mean(e)),
    load,
    entropy: meanEntropy(probabilities.flat()),
  };
}
