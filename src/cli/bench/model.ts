// The models that `scantling bench` times: W1 and W2 as they are, a decoder from its options. Times nothing.

import { type Architecture, defineArchitecture } from "../../architecture/architecture.ts";
import { W1, W2 } from "../../architecture/presets.ts";
import { RequestError } from "../../errors.ts";
import { type DecoderOptions, decoderKeys, type StepWorkload } from "./command.ts";

export interface TimedModel {
  readonly architecture: Architecture;
  /** Sequences of a step. */
  readonly batch: number;
}

/** Errors: RequestError for options that a workload does not leave open and for impossible sizes. */
export function timedModel(workload: StepWorkload, options: DecoderOptions): TimedModel {
  if (workload !== "decoder") refuseDecoderOptions(workload, options);
  switch (workload) {
    case "W1":
      return { architecture: W1, batch: 128 };
    case "W2":
      return { architecture: W2, batch: 8 };
    case "decoder": {
      const { batch = 8, width = 128, tied = false, ...rest } = decoderOptions(options);
      const sizes = { vocabulary: 64, length: 128, layers: 2, heads: 8, feedforward: 4 * width };
      return { architecture: defineArchitecture({ ...sizes, width, ...rest, tie: tied }), batch };
    }
  }
}

/** Errors: RequestError where a decoder's option is given for a workload that has no such choice. */
export function refuseDecoderOptions(workload: string, options: DecoderOptions): void {
  const given = Object.keys(decoderOptions(options))[0];
  if (given === undefined) return;
  throw new RequestError(
    `bench: --workload ${workload} has no ${given} to choose; leave the option out or ask for ` +
      "--workload decoder",
  );
}

function decoderOptions(options: DecoderOptions): DecoderOptions {
  const given = decoderKeys.filter((key) => options[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, options[key]]));
}
