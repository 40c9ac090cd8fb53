// Gradients of what hidden units would learn from, before there are any: of silent units that are read one by one into each
// feature, beside a module of a network. Evci et al. 2022, section 3, whose auxiliary connection this is. Knows no new units.
// D width, U tiles · D hidden units.
import { graphFlops } from "../../architecture/count.ts";
import { surroundingsOf } from "../../architecture/stripe.ts";
import type { HiddenUnits } from "../../nn/growth.ts";
import { inputSource, type ParameterDeclaration, type ParameterSource } from "../../nn/parameters.ts";
import type { Module } from "../../nn/primitive.ts";
import { primitives } from "../../nn/primitives.ts";
import { rootScope } from "../../nn/scope.ts";
import { gradients } from "../../tensor/gradient.ts";
import { add } from "../../tensor/ops/elementwise.ts";
import { fill, input } from "../../tensor/ops/leaf.ts";
import { program } from "../../tensor/program.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { GrowthPlace } from "../places.ts";
import type { GrowingNetwork, GrowthData } from "./method.ts";

/** A place that gets a bypass: sets of D units each, equal within a set but for the feature that reads them. */
export interface BypassPlace {
  readonly place: GrowthPlace;
  readonly units: HiddenUnits;
  readonly tiles: number;
}

/** Of one place. */
export interface Bypass {
  /** By name; their last axis is the units. */
  readonly free: readonly string[];
  /** [..., tiles] of `free`, for the gradients to come; one column for each set of units. */
  write(name: string, columns: ArrayLike<number>): void;
  /** For each set the gradient of all its silent parameters, one after the other: rows of D. */
  read(): Float64Array[];
}

export interface Bypasses {
  /** In the order of the places. */
  readonly places: readonly Bypass[];
  /** Measures all gradients on so many batches from the `first` on. */
  measure(first: number, batches: number): Promise<void>;
  /** Of the gradients on one batch. */
  readonly flops: number;
  dispose(): void;
}

/** Room for the gradients of a network's bypasses, and the program that measures them on the data. */
export function openBypasses(
  data: GrowthData,
  { architecture, values }: GrowingNetwork,
  places: readonly BypassPlace[],
): Bypasses {
  const { width } = architecture;
  const source = inputSource();
  const asked = places.map(() => inputSource());
  const modules = places.map(({ place, units, tiles }) =>
    primitives
      .get(place.entry.primitive)!
      .configure(
        "grow",
        { ...place.module.configuration, [units.size]: tiles * width },
        surroundingsOf(architecture),
      ),
  );
  const at = new Map(places.map(({ place }, i) => [place.prefix.slice(0, -1), i]));
  const loss = data.loss(architecture, source, {
    apply(module, scope, x) {
      const i = at.get(scope.path);
      const y = module.apply(scope, x);
      if (i === undefined) return y;
      const parameters = bypassSource(`bypass/${scope.path}/`, places[i]!, modules[i]!, asked[i]!);
      return add(y, modules[i]!.apply(rootScope({ source: parameters }), x));
    },
  });
  const measured = places.flatMap(({ units }, i) => units.silent.map((name) => nameIn(places[i]!, name)));
  const tensors = asked.flatMap(({ tensors }) => [...tensors]);
  const slopes = gradients(
    loss,
    measured.map((name) => tensors.find(([known]) => known === name)![1]),
  );
  const sums = measured.map((name, i) => [
    sumName(name),
    add(input(sumName(name), slopes[i]!.shape), slopes[i]!),
  ]);
  const measuring = program({}, Object.fromEntries(sums) as Record<string, Tensor>);
  const store = data.machine.createStore();
  const executable = data.load(store, measuring);
  for (const name of source.declared.keys()) {
    if (store.type(name) !== undefined) store.write(name, values[name]!.data);
  }
  for (const bypassed of places) {
    const { tiles, units } = bypassed;
    const identity = Float64Array.from({ length: tiles * width * width }, (_, i) =>
      Math.floor(i / width) % width === i % width ? 1 : 0,
    );
    store.write(nameIn(bypassed, units.read), identity);
  }
  return {
    flops: graphFlops([loss, ...slopes]),
    places: places.map((bypassed, i) => {
      const { tiles, units } = bypassed;
      return {
        free: freeParameters(modules[i]!, units),
        write(name, columns) {
          const count = tiles * width;
          const repeated = Float64Array.from({ length: (columns.length / tiles) * count }, (_, k) => {
            const row = Math.floor(k / count);
            return columns[row * tiles + Math.floor((k % count) / width)]!;
          });
          store.write(nameIn(bypassed, name), repeated);
        },
        read: () =>
          Array.from({ length: tiles }, (_, tile) => {
            const rows = units.silent.flatMap((name) =>
              rowsOf(store.read(sumName(nameIn(bypassed, name))), tile, bypassed, width),
            );
            return Float64Array.from(rows);
          }),
      };
    }),
    async measure(first, batches) {
      for (const name of measured) store.read(sumName(name)).fill(0);
      for (let n = first; n < first + batches; n++) {
        data.write(store, n);
        await executable.run(store);
      }
    },
    dispose() {
      executable.dispose();
      for (const name of store.names()) store.release(name);
    },
  };
}

const sumName = (name: string): string => `sum/${name}`;
const nameIn = ({ place }: BypassPlace, name: string): string =>
  `bypass/${place.prefix.slice(0, -1)}/${name}`;

/** Of [..., U], the columns of one set of units, row after row. */
function rowsOf(values: ArrayLike<number>, tile: number, { tiles }: BypassPlace, width: number): number[] {
  const rows = values.length / (tiles * width);
  return Array.from({ length: rows * width }, (_, i) => {
    const column = i % width;
    return values[((i - column) / width) * tiles * width + tile * width + column]!;
  });
}

/** Parameters of units that are neither silent nor read. */
export function freeParameters({ growth }: Module, { size, silent, read }: HiddenUnits): string[] {
  return Object.entries(growth!.parameters)
    .filter(
      ([name, { axes }]) => axes.split(/[ ,+]+/).includes(size) && name !== read && !silent.includes(name),
    )
    .map(([name]) => name);
}

/** What belongs to no unit, a bias behind them, is 0. */
function bypassSource(
  prefix: string,
  { units }: BypassPlace,
  module: Module,
  inputs: ParameterSource,
): ParameterSource {
  const known = [...units.silent, units.read, ...freeParameters(module, units)];
  return {
    parameter: (name: string, declaration: ParameterDeclaration) =>
      known.includes(name) ? inputs.parameter(`${prefix}${name}`, declaration) : fill(0, declaration.shape),
  };
}
