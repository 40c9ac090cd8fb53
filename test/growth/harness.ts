// What tests of growth share: networks away from where they begin, steps, and how far apart two networks are in float64.
import {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
} from "../../src/architecture/architecture.ts";
import { forward } from "../../src/architecture/forward.ts";
import type { Machine } from "../../src/backend/machine.ts";
import { createReference } from "../../src/backend/reference.ts";
import { growNetwork } from "../../src/growth/grow.ts";
import { sumImportance } from "../../src/growth/importance.ts";
import type { GrowthData } from "../../src/growth/methods/method.ts";
import { storedParameters } from "../../src/growth/plan.ts";
import { compareNetworks } from "../../src/growth/proof.ts";
import { type GrowthStep, planStep } from "../../src/growth/steps.ts";
import { initialValues } from "../../src/nn/initialize.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { crossEntropy, evaluate, gradients, input, reshape } from "../../src/tensor/index.ts";
import { programInputs } from "../../src/tensor/program.ts";
import { generator } from "../tensor/harness.ts";

export type Values = Record<string, { shape: readonly number[]; data: Float64Array }>;
export interface Net {
  readonly architecture: Architecture;
  readonly values: Values;
}

export const small: ArchitectureInput = {
  vocabulary: 7,
  length: 6,
  width: 8,
  repeat: 2,
  stripe: ["attention(heads: 2)", "gelu(feedforward: 12)"],
  standardDeviation: 0.4,
};

/** As after a while of training: nothing is zero or one any more. */
export function network(settings: Partial<ArchitectureInput>, seed = 1): Net {
  const architecture = defineArchitecture({ ...small, ...settings });
  const values = Object.fromEntries(
    [...storedParameters(architecture)].map(([name, declaration]) => [
      name,
      { shape: declaration.shape, data: Float64Array.from(initialValues(name, declaration, seed)) },
    ]),
  );
  return perturbed({ architecture, values }, seed);
}

/** Every number moved, as by a step of training. */
export function perturbed({ architecture, values }: Net, seed: number, by = 0.3): Net {
  const random = generator(seed);
  const moved = Object.entries(values).map(([name, { shape, data }]) => [
    name,
    { shape, data: data.map((value) => value + by * (random() - 0.5)) },
  ]);
  return { architecture, values: Object.fromEntries(moved) };
}

export function grown({ architecture, values }: Net, ...steps: readonly GrowthStep[]): Net {
  let net: Net = { architecture, values };
  for (const [i, step] of steps.entries()) {
    const larger = growNetwork(planStep(net.architecture, step), net.values, 100 + i);
    net = { architecture: larger.architecture, values: larger.values as Values };
  }
  return net;
}

/** Largest |Δ logit|, as a share of the largest |logit|. */
export function difference(before: Net, after: Net): number {
  const { largest, scale } = compareNetworks(createReference(), before, after, { seed: 5 });
  return largest / scale;
}

const random = generator(3);
/** Every token is among them. */
const tokens = { shape: [2, 6], data: Float64Array.from({ length: 12 }, (_, i) => (3 * i) % 7) };
const targets = { shape: [12], data: Float64Array.from({ length: 12 }, () => Math.floor(7 * random())) };

/** Of the mean cross-entropy on 12 fixed tokens. */
export function gradientsOf({ architecture, values }: Net): Values {
  const source = inputSource();
  const logits = forward(architecture, source, input("tokens", [2, 6], "i32"));
  const { loss } = crossEntropy(reshape(logits, [12, 7]), input("targets", [12], "i32"));
  const found = evaluate(gradients(loss, [...source.tensors.values()]), { ...values, tokens, targets });
  return Object.fromEntries([...source.declared.keys()].map((name, i) => [name, found[i]!]));
}

/** After so many steps of gradient descent on these tokens. */
export function trained(start: Net, steps: number): Net {
  let net = start;
  for (let step = 0; step < steps; step++) net = descended(net, gradientsOf(net), 0.05);
  return net;
}

function descended({ architecture, values }: Net, gradients: Values, rate: number): Net {
  const next = Object.entries(values).map(([name, { shape, data }]) => [
    name,
    { shape, data: data.map((value, i) => value - rate * gradients[name]!.data[i]!) },
  ]);
  return { architecture, values: Object.fromEntries(next) };
}

/** Parameters with an entry that no gradient reaches in four steps. */
export function deadAfterFourSteps(start: Net): string[] {
  return afterFourSteps(start).dead;
}

/** The same, and the network then. */
export function afterFourSteps(start: Net): { readonly dead: string[]; readonly net: Net } {
  let net = start;
  const moved = Object.entries(net.values).map(([name, { data }]) => [name, data.map(() => 0)] as const);
  for (let step = 0; step < 4; step++) {
    const gradients = gradientsOf(net);
    for (const [name, sums] of moved) {
      gradients[name]!.data.forEach((gradient, i) => {
        sums[i]! += Math.abs(gradient);
      });
    }
    net = descended(net, gradients, 0.5);
  }
  const dead = moved.filter(([, data]) => data.some((value) => value === 0)).map(([name]) => name);
  return { dead, net };
}

/**
 * Sizes with two places that are equal in all parameters, up to the order of entries: sums of the entries' cubes, which
 * parameters weigh differently, tell places apart.
 */
export function equalUnits({ architecture, values }: Net): string[] {
  const names = Object.keys(values);
  const { units } = sumImportance(architecture, (name) =>
    values[name]!.data.map((value) => (1 + names.indexOf(name) / 7) * (value + 0.3) ** 3),
  );
  const hasEqual = (sums: Float64Array) => {
    const sorted = sums.slice().sort();
    return sorted.some((sum, i) => i > 0 && sum - sorted[i - 1]! <= 1e-9 * Math.abs(sum));
  };
  return [...units].filter(([, sums]) => hasEqual(sums)).map(([key]) => key);
}

/** Batches of sequences in which a token is followed by three times itself and one, mostly. */
export function chainData(machine: Machine): GrowthData {
  const [rows, length] = [8, 6];
  return {
    machine,
    load(store, of) {
      for (const [name, type] of programInputs(of)) store.allocate(name, type);
      return machine.load(of);
    },
    loss(architecture, parameters, options) {
      const logits = forward(architecture, parameters, input("batch", [rows, length], "i32"), options);
      const flat = reshape(logits, [rows * length, 7]);
      return crossEntropy(flat, reshape(input("next", [rows, length], "i32"), [rows * length])).loss;
    },
    write(store, n) {
      const random = generator(100 + n);
      const [batch, next]: [number[], number[]] = [[], []];
      for (let row = 0; row < rows; row++) {
        let token = Math.floor(7 * random());
        for (let i = 0; i < length; i++) {
          batch.push(token);
          token = random() < 0.1 ? Math.floor(7 * random()) : (3 * token + 1) % 7;
          next.push(token);
        }
      }
      store.write("batch", batch);
      store.write("next", next);
    },
  };
}
