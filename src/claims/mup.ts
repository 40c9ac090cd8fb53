// muP: the rate that is best for a narrow model holds for a wide one (Yang et al. 2021).
import { decoderFamily } from "../ladder/family.ts";
import { transferReport } from "../transfer/report.ts";
import { defineTransfer, type Transfer } from "../transfer/request.ts";
import { type TransferResult, transferResult } from "../transfer/result.ts";
import type { Claim, ClaimText } from "./claim.ts";
import { judgeMeasures, type Measure, meanOf, toldMeasures } from "./measures.ts";
import { type Conclusion, type FigureAbout, type LossOf, type RunsInput, runsStudy } from "./runsStudy.ts";
import { widthRule } from "./widthRule.ts";

/** How large. */
export interface MupSize {
  readonly label: string;
  /** Of the model that is tuned, and of the one that its rate is carried to. */
  readonly widths: readonly [narrow: number, wide: number];
  readonly layers: number;
  readonly length: number;
  readonly batch: number;
  readonly steps: number;
  /** Rising, three or more. */
  readonly rates: readonly number[];
  readonly seeds: number;
}

const kinds = ["mup", "standard"] as const;
type Kind = (typeof kinds)[number];

export function mupRuns(size: MupSize): RunsInput {
  const { widths, layers, length, batch, steps, rates } = size;
  return {
    ...{ label: size.label, name: "mup", seeds: size.seeds },
    plan: (context) => {
      const transfer = defineTransfer({
        ...{ ...context, parametrisations: kinds, widths, depths: [layers], rates, steps, batch },
        architecture: decoderFamily(length, widthRule).architecture,
      });
      return {
        runs: transfer.runs,
        conclude: (lossOf, about) => conclude(transfer, lossOf, about),
      };
    },
  };
}

/** Losses of one parametrisation, [rates][seeds]; `carried`: the place of the narrow model's best rate. */
interface Tuned {
  readonly wide: readonly (readonly (number | null)[])[];
  readonly carried: number | null;
  readonly best: number | null;
}

function conclude(transfer: Transfer, lossOf: LossOf, about: FigureAbout): Conclusion {
  const { rates, widths } = transfer.request;
  const tuned = kinds.map((kind) => tunedOf(transfer, kind, lossOf));
  const told = toldMeasures(judgeMeasures(measuresOf(tuned, widths)), about);
  const result = resultOf(transfer, lossOf);
  const page = transferReport({ result, checks: [], data: about.data, command: "", hash: "" });
  return {
    ...told,
    lines: [...told.lines, ...result.series.map(({ text }) => text)],
    sections: [...told.sections, ...page.sections],
    result: {
      rates,
      parametrisations: kinds.map((name, i) => ({ name, ...tuned[i]! })),
    },
  };
}

/** Runs without a loss, as transfer has them. */
function resultOf(transfer: Transfer, lossOf: LossOf): TransferResult {
  const results = transfer.runs.map((run) => ({
    ...{ run: run.run, until: run.spec.training.steps, value: { loss: lossOf(run) } },
    ...{ flops: run.flops, seconds: 0 },
  }));
  return transferResult(transfer, { results, failures: [] });
}

function tunedOf({ series }: Transfer, kind: Kind, lossOf: LossOf): Tuned {
  const { sizes } = series.find(({ parametrisation }) => parametrisation.kind === kind)!;
  const [narrow, wide] = sizes.map(({ rates }) => rates.map((runs) => runs.map(lossOf)));
  return { wide: wide!, carried: lowest(narrow!), best: lowest(wide!) };
}

/** The place of the rate with the lowest mean of those that have all seeds; null of none. */
function lowest(losses: readonly (readonly (number | null)[])[]): number | null {
  const means = losses.map((seeds) => (seeds.includes(null) ? Infinity : meanOf(seeds)!));
  const least = Math.min(...means);
  return least < Infinity ? means.indexOf(least) : null;
}

const names: Readonly<Record<Kind, string>> = { mup: "muP", standard: "standard" };

function measuresOf(tuned: readonly Tuned[], [narrow, wide]: readonly number[]): Measure[] {
  const of = ({ wide: losses }: Tuned, rate: number | null) =>
    rate === null ? losses[0]!.map(() => null) : losses[rate]!;
  const carried = tuned.map((one) => of(one, one.carried));
  const prices = tuned.map((one, i) =>
    of(one, one.best).map((loss, seed) => {
      const before = carried[i]![seed]!;
      return loss === null || before === null ? null : before - loss;
    }),
  );
  const arms = (values: readonly (readonly (number | null)[])[]) =>
    kinds.map((kind, i) => ({ name: names[kind], values: values[i]! }));
  const expected = { better: [names.mup], than: [names.standard] };
  return [
    {
      ...{ title: `loss at width ${wide} with the rate of width ${narrow}`, unit: "nat", margin: 0.01 },
      arms: arms(carried),
      expectation: { text: "muP wins with the rate that was tuned on the narrow model", ...expected },
    },
    {
      ...{
        title: `price of not tuning: loss at width ${wide} with the rate of width ${narrow}, less that at its own best`,
      },
      ...{ unit: "nat", margin: 0.01, arms: arms(prices) },
      expectation: { text: "muP pays less for not tuning the wide model", ...expected },
    },
  ];
}

const text: ClaimText = {
  name: "mup",
  title: "A tuned small proxy against an untuned large model",
  source:
    'Yang et al., "Tensor Programs V: Tuning Large Neural Networks via Zero-Shot Hyperparameter Transfer" (2021)',
  statement:
    "Under muP the learning rate that is best for a narrow model serves a wide one; under the standard parametrisation it does not.",
  published: {
    title: "Published: GPT-3 of 6.7B parameters, tuned on a proxy of 40M",
    note: "Tuning cost 7 % of the training of the large model.",
    columns: [{ heading: "model" }, { heading: "result" }],
    rows: [
      ["6.7B, rate of the 40M proxy under muP", "better than the published 6.7B, comparable to the 13B"],
      ["6.7B as published", "tuned by hand under the standard parametrisation"],
    ],
  },
  caveats: [
    "Widths differ by a factor of 4, where the paper has 16 or more: the more they differ, the more there is to lose.",
    "The wide model's own best rate is chosen by the losses that are compared, which favours neither parametrisation.",
    "Only the learning rate is carried; the paper carries other settings, too. Under muP the head begins with zeros, as the paper advises.",
    "Where a best rate lies at an end of those that were tried, a better one may lie beyond: the lines below say so.",
  ],
};

export const mup: Claim = {
  ...text,
  studies: {
    small: [
      mupRuns({
        ...{ label: "widths 64 and 256", widths: [64, 256], layers: 1, length: 32, batch: 8, steps: 200 },
        ...{ rates: [5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2], seeds: 3 },
      }),
    ].map(runsStudy),
    full: [
      mupRuns({
        ...{ label: "widths 64 and 512", widths: [64, 512], layers: 2, length: 64, batch: 16, steps: 400 },
        ...{ rates: [5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2], seeds: 3 },
      }),
    ].map(runsStudy),
  },
};
