// What an optimiser knows of a network, for the larger network of a growth plan or for one that is new to it. Knows no run and
// no values of parameters.
import type { Architecture } from "../architecture/schema.ts";
import { growMoments, type NamedTensors } from "../growth/grow.ts";
import { type GrowthPlan, type ParameterGrowth, storedParameters } from "../growth/plan.ts";
import type { FloatNumbers } from "../growth/tensor.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { bornName, bornShape, growBirths } from "./ages.ts";
import { stateName } from "./names.ts";
import type { Optimizer } from "./optimizer.ts";

/**
 * The states of the larger network after `updates` updates, by their names: moments padded with zeros and divided by what
 * their parameters were multiplied by, and when the places of each parameter came that are not as old as the run.
 */
export function growStates<N extends FloatNumbers>(
  plan: GrowthPlan,
  optimizer: Optimizer,
  states: NamedTensors<N>,
  updates: number,
): NamedTensors {
  const grown = Object.entries(optimizer.powers).flatMap(([state, power]) => {
    const parameters = plan.parameters.filter((parameter) => hasState(optimizer, parameter, state));
    const moments = parameters.flatMap(({ origin }) => {
      const found = origin === null ? undefined : states[stateName(state, origin)];
      return found === undefined ? [] : [[origin!, found] as const];
    });
    const larger = growMoments({ ...plan, parameters }, Object.fromEntries(moments), power);
    return Object.entries(larger).map(([name, tensor]) => [stateName(state, name), tensor] as const);
  });
  const births = plan.parameters.flatMap((parameter) => {
    const { name, origin, shape } = parameter;
    const before = origin === null ? undefined : states[bornName(origin)]?.data;
    const data = growBirths(parameter, before, updates);
    return data === undefined ? [] : [[bornName(name), { shape: bornShape(shape), data }] as const];
  });
  return Object.fromEntries([...grown, ...births]);
}

/** The states of a network that the optimiser meets after `updates` updates of a run, by their names. */
export function freshStates(architecture: Architecture, optimizer: Optimizer, updates: number): NamedTensors {
  const parameters = [...storedParameters(architecture)];
  const states = parameters.flatMap(([name, declaration]) => {
    const { shape } = declaration;
    const names = optimizer.states({ ...declaration, name, decays: true });
    return names.map(
      (state) => [stateName(state, name), { shape, data: new Float32Array(sizeOf(shape)) }] as const,
    );
  });
  const births = parameters.map(([name, { shape }]) => {
    const places = bornShape(shape);
    return [bornName(name), { shape: places, data: new Float32Array(sizeOf(places)).fill(updates) }] as const;
  });
  return Object.fromEntries([...states, ...births]);
}

function hasState(optimizer: Optimizer, { name, declaration }: ParameterGrowth, state: string): boolean {
  return optimizer.states({ ...declaration, name, decays: true }).includes(state);
}
