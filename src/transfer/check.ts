// The coordinate check of the models that transfer is measured on. Knows no study.
import { defineArchitecture } from "../architecture/architecture.ts";
import type { Machine } from "../backend/machine.ts";
import type { Dataset } from "../data/dataset.ts";
import { coordinateCheck } from "../train/coordinates.ts";
import { textRunData } from "../train/runData.ts";
import { defineTraining } from "../train/settings.ts";
import type { CheckResult } from "./report.ts";
import { type TransferRequest, withBase } from "./request.ts";

/** Which models are checked, and on which data. */
export interface CheckOptions extends Pick<TransferRequest, "architecture" | "widths"> {
  readonly machine: Machine;
  readonly dataset: Dataset;
  readonly parametrisation: string;
  readonly layers: number;
  /** First values; default 1 to 5. */
  readonly seeds?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after every model. */
  readonly report?: ((told: { readonly width: number; readonly seed: number }) => void) | undefined;
}

/**
 * Of few tokens and at a small constant rate: of many, every activation moves in many directions at once, whose sum is larger
 * than each by less in wide models.
 */
const [STEPS, RATE, BATCH, LENGTH] = [10, 1e-3, 4, 16];

/** Steps 1 to 10 of every width. Errors as `coordinateCheck`, and RequestError for text that is too short. */
export async function checkTransfer(options: CheckOptions): Promise<CheckResult> {
  const { dataset, widths, layers, parametrisation, seeds = [1, 2, 3, 4, 5] } = options;
  const architectures = widths.map((width) => {
    const input = options.architecture(width, layers);
    return defineArchitecture({ vocabulary: dataset.tokenizer.vocabulary, ...input });
  });
  const length = Math.min(LENGTH, architectures[0]!.length);
  const training = defineTraining({ batch: BATCH, seed: 0 });
  const data = textRunData(dataset, { architecture: { ...architectures[0]!, length }, training });
  const coordinates = await coordinateCheck({
    ...{
      machine: options.machine,
      architectures,
      seeds,
      length,
      signal: options.signal,
      report: options.report,
    },
    ...{ rate: RATE, steps: STEPS, batch: BATCH, batchAt: data.batchAt },
    parametrisation: withBase(parametrisation, widths[0]!, layers),
  });
  return { parametrisation, widths, coordinates };
}
