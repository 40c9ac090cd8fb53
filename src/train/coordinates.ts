// The coordinate check: how far activations move in the first steps, in models of several widths. Under a parametrisation
// that transfers, as far in wide ones (Yang et al. 2021, appendix D.1). Knows no particular parametrisation.
import type { Architecture } from "../architecture/architecture.ts";
import { forward } from "../architecture/forward.ts";
import type { Executable, Machine } from "../backend/machine.ts";
import { RequestError } from "../errors.ts";
import { inputSource } from "../nn/parameters.ts";
import { leastSquares } from "../scaling/leastSquares.ts";
import { input } from "../tensor/ops/leaf.ts";
import { program, programInputs } from "../tensor/program.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { TrainerBatch } from "./objectives/objective.ts";
import { createOptimizer } from "./optimizers.ts";
import { parametrise } from "./parametrisation/parametrise.ts";
import { type Parametrisation, standard } from "./parametrisation/settings.ts";
import { createTrainer } from "./trainer.ts";

/** What is trained, and how. */
export interface CoordinateOptions {
  readonly machine: Machine;
  /** One for each width, alike but for what follows the width; as they are before `parametrise`. */
  readonly architectures: readonly Architecture[];
  readonly parametrisation?: Parametrisation | undefined;
  /** Default: adamw without weight decay. */
  readonly optimizer?: string | Readonly<{ name: string } & Record<string, unknown>> | undefined;
  /** The same at every step. */
  readonly rate: number;
  readonly steps: number;
  /** Of first values. */
  readonly seeds: readonly number[];
  readonly batch: number;
  /** T. */
  readonly length: number;
  /** Tokens of a step, from 0; those of step 0 are what activations are looked at on. */
  readonly batchAt: (step: number) => TrainerBatch;
  readonly signal?: AbortSignal | undefined;
  /** Told after every model. */
  readonly report?: ((told: { readonly width: number; readonly seed: number }) => void) | undefined;
}

/** How far one activation has moved. */
export interface Coordinate {
  /** Dotted name, such as `block.0.attention.output` or `logits`. */
  readonly name: string;
  /** Updates done. */
  readonly step: number;
  /** Mean over elements and seeds of |change since the first values|, for each width. */
  readonly change: readonly number[];
  /** Of log change against log width, by least squares; null where it has not moved yet, or is not finite. */
  readonly slope: number | null;
}

/** One that has moved in every width. */
export interface MovedCoordinate extends Coordinate {
  readonly slope: number;
}

/**
 * Every module's output and the logits, after every step. Errors: RequestError for fewer than two widths.
 */
export async function coordinateCheck(options: CoordinateOptions): Promise<readonly Coordinate[]> {
  const widths = options.architectures.map(({ width }) => width);
  if (new Set(widths).size < 2) {
    throw new RequestError(
      `coordinate check: widths are ${widths.join(", ")}; expected two that differ, or more`,
    );
  }
  const sums = new Map<string, Map<number, number[]>>();
  for (const [i, architecture] of options.architectures.entries()) {
    for (const seed of options.seeds) {
      for (const { name, step, change } of await changesOf(options, architecture, seed)) {
        const steps = sums.get(name) ?? sums.set(name, new Map()).get(name)!;
        const changes =
          steps.get(step) ??
          steps
            .set(
              step,
              widths.map(() => 0),
            )
            .get(step)!;
        changes[i]! += change / options.seeds.length;
      }
      options.report?.({ width: architecture.width, seed });
      options.signal?.throwIfAborted();
    }
  }
  return [...sums].flatMap(([name, steps]) =>
    [...steps].map(([step, change]) => ({ name, step, change, slope: slopeOf(widths, change) })),
  );
}

/** The coordinates that fall and grow most with the width; undefined where none moves. */
export function slopeRange(
  coordinates: readonly Coordinate[],
): { readonly least: MovedCoordinate; readonly most: MovedCoordinate } | undefined {
  const moved = coordinates.filter((coordinate): coordinate is MovedCoordinate => coordinate.slope !== null);
  const sorted = moved.sort((a, b) => a.slope - b.slope);
  return sorted.length === 0 ? undefined : { least: sorted[0]!, most: sorted.at(-1)! };
}

interface Change {
  readonly name: string;
  readonly step: number;
  readonly change: number;
}

async function changesOf(options: CoordinateOptions, plain: Architecture, seed: number): Promise<Change[]> {
  const { machine, parametrisation = standard, batch, length, steps, rate, batchAt } = options;
  const architecture = parametrise(plain, parametrisation);
  const trainer = createTrainer(machine, architecture, {
    ...{ batch, length, parametrisation, microBatches: 1, clip: null, decay: "matrices" },
    optimizer: createOptimizer(options.optimizer ?? { name: "adamw", weightDecay: 0 }),
  });
  const probe = probeOf(architecture, batch, length);
  let observing: Executable | undefined;
  try {
    trainer.initialize(seed);
    for (const [name, type] of programInputs(probe.program)) trainer.store.allocate(name, type);
    trainer.store.write(tokensName, batchAt(0).inputs!);
    observing = machine.load(probe.program);
    const look = async () => {
      await observing!.run(trainer.store);
      return probe.names.map((name) => trainer.store.read(nameOf(name)).slice());
    };
    const before = await look();
    const changes: Change[] = [];
    for (let step = 1; step <= steps; step++) {
      await trainer.step(batchAt(step - 1), step, rate, seed);
      (await look()).forEach((values, i) => {
        changes.push({ name: probe.names[i]!, step, change: meanDifference(values, before[i]!) });
      });
    }
    return changes;
  } finally {
    observing?.dispose();
    trainer.dispose();
  }
}

const tokensName = "coordinates/tokens";
const nameOf = (name: string): string => `coordinates/${name}`;

function probeOf(architecture: Architecture, batch: number, length: number) {
  const found = new Map<string, Tensor>();
  forward(architecture, inputSource(), input(tokensName, [batch, length], "i32"), {
    observe: (name, tensor) => {
      if (/^(?:block\.\d+|first|last)\.[^.]+\.output$|^logits$/.test(name)) found.set(name, tensor);
    },
  });
  const outputs = [...found].map(([name, tensor]) => [nameOf(name), tensor]);
  return { names: [...found.keys()], program: program(Object.fromEntries(outputs)) };
}

function meanDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

function slopeOf(widths: readonly number[], changes: readonly number[]): number | null {
  const logs = changes.map(Math.log);
  if (!logs.every(Number.isFinite)) return null;
  return leastSquares(
    widths.map((width) => [1, Math.log(width)]),
    logs,
  )[1]!;
}
