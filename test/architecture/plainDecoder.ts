// A decoder Transformer in plain loops over nested arrays, written from the papers: the independent side of the tests.
// Knows nothing of graphs. T length, D width.

export interface PlainOptions {
  readonly width: number;
  readonly repeat: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Default: width / heads. */
  readonly headWidth?: number;
  /** Default: 1. */
  readonly rotaryShare?: number;
  readonly window: number | null;
  readonly activation: "gelu" | "swiglu" | "relu" | "squaredRelu" | "geglu";
  readonly norm: "layer" | "rms";
  readonly positions: "learned" | "rope" | "none";
  readonly tie: boolean;
}

export interface PlainParameter {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export type PlainParameters = Readonly<Record<string, PlainParameter>>;

type Vector = number[];

const dot = (a: Vector, b: Vector) => a.reduce((total, value, i) => total + value * b[i]!, 0);
const plus = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]!);

/** Logits [T][V] of one sequence. */
export function plainLogits(
  options: PlainOptions,
  parameters: PlainParameters,
  tokens: readonly number[],
): Vector[] {
  const at = (name: string): PlainParameter => {
    const parameter = parameters[name];
    if (parameter === undefined) throw new Error(`no parameter ${name}`);
    return parameter;
  };
  const vector = (name: string): Vector => Array.from(at(name).data);
  const row = (name: string, i: number): Vector => {
    const { shape, data } = at(name);
    return Array.from(data.subarray(i * shape[1]!, (i + 1) * shape[1]!));
  };
  const linear = (name: string, x: Vector): Vector => {
    const { shape, data } = at(`${name}.weight`);
    const [inputs, outputs] = shape as [number, number];
    const result = Array.from({ length: outputs }, (_, j) => {
      let total = 0;
      for (let i = 0; i < inputs; i++) total += x[i]! * data[i * outputs + j]!;
      return total;
    });
    return `${name}.bias` in parameters ? plus(result, vector(`${name}.bias`)) : result;
  };
  const normalize = (name: string, x: Vector): Vector => {
    const scale = vector(`${name}.scale`);
    const average = options.norm === "layer" ? x.reduce((a, b) => a + b) / x.length : 0;
    const rest = x.map((value) => value - average);
    const deviation = Math.sqrt(dot(rest, rest) / x.length + 1e-5);
    const normal = rest.map((value, i) => (value / deviation) * scale[i]!);
    return options.norm === "layer" ? plus(normal, vector(`${name}.bias`)) : normal;
  };
  const turn = (x: Vector, position: number): Vector => {
    const half = (x.length * (options.rotaryShare ?? 1)) / 2;
    const result = [...x];
    for (let i = 0; i < half; i++) {
      const angle = position * 10_000 ** (-i / half);
      result[i] = x[i]! * Math.cos(angle) - x[i + half]! * Math.sin(angle);
      result[i + half] = x[i + half]! * Math.cos(angle) + x[i]! * Math.sin(angle);
    }
    return result;
  };
  const attention = (name: string, inputs: Vector[]): Vector[] => {
    const size = options.headWidth ?? options.width / options.heads;
    const heads = (part: string, rotates: boolean) =>
      inputs.map((x, t) => {
        const flat = linear(`${name}.${part}`, x);
        return Array.from({ length: flat.length / size }, (_, h) => {
          const head = flat.slice(h * size, (h + 1) * size);
          return rotates && options.positions === "rope" ? turn(head, t) : head;
        });
      });
    const [queries, keys, values] = [heads("query", true), heads("key", true), heads("value", false)];
    return inputs.map((_, t) => {
      const mixed: Vector = [];
      for (let h = 0; h < options.heads; h++) {
        const group = Math.floor((h * options.kvHeads) / options.heads);
        const first = options.window === null ? 0 : Math.max(0, t - options.window + 1);
        const weights: number[] = [];
        for (let s = first; s <= t; s++) {
          weights.push(Math.exp(dot(queries[t]![h]!, keys[s]![group]!) / Math.sqrt(size)));
        }
        const total = weights.reduce((a, b) => a + b);
        for (let i = 0; i < size; i++) {
          mixed.push(
            weights.reduce((sum, weight, s) => sum + (weight / total) * values[first + s]![group]![i]!, 0),
          );
        }
      }
      return linear(`${name}.output`, mixed);
    });
  };
  const feedforward = (name: string, x: Vector): Vector => {
    const up = linear(`${name}.up`, x);
    switch (options.activation) {
      case "gelu":
        return linear(`${name}.down`, up.map(gelu));
      case "relu":
        return linear(
          `${name}.down`,
          up.map((value) => Math.max(0, value)),
        );
      case "squaredRelu":
        return linear(
          `${name}.down`,
          up.map((value) => Math.max(0, value) ** 2),
        );
      case "swiglu":
        return linear(
          `${name}.down`,
          linear(`${name}.gate`, x).map((gate, i) => (gate / (1 + Math.exp(-gate))) * up[i]!),
        );
      case "geglu":
        return linear(
          `${name}.down`,
          linear(`${name}.gate`, x).map((gate, i) => gelu(gate) * up[i]!),
        );
    }
  };
  let stream = tokens.map((token, t) => {
    const features = row("embedding.tokens", token);
    return options.positions === "learned" ? plus(features, row("embedding.positions", t)) : features;
  });
  for (let block = 0; block < options.repeat; block++) {
    const mixer = `block.${block}.attention`;
    const mixed = attention(
      mixer,
      stream.map((x) => normalize(`${mixer}.norm`, x)),
    );
    stream = stream.map((x, t) => plus(x, mixed[t]!));
    const layer = `block.${block}.${options.activation}`;
    stream = stream.map((x) => plus(x, feedforward(layer, normalize(`${layer}.norm`, x))));
  }
  return stream.map((x) => {
    const last = normalize("norm", x);
    if (!options.tie) return linear("head", last);
    return Array.from({ length: at("embedding.tokens").shape[0]! }, (_, token) =>
      dot(last, row("embedding.tokens", token)),
    );
  });
}

function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Mean cross-entropy over the targets that are not negative. */
export function plainLoss(
  options: PlainOptions,
  parameters: PlainParameters,
  sequences: readonly { readonly tokens: readonly number[]; readonly targets: readonly number[] }[],
): number {
  let total = 0;
  let counted = 0;
  for (const { tokens, targets } of sequences) {
    plainLogits(options, parameters, tokens).forEach((logits, t) => {
      const target = targets[t]!;
      if (target < 0) return;
      total += Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[target]!;
      counted++;
    });
  }
  return total / counted;
}
