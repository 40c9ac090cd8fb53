// Text as what a study is about: the next token of it, or masked ones, as the objective says.
import { evaluationBatches, type Tokens } from "../../data/batches.ts";
import { loadDataset } from "../../data/dataset.ts";
import { meansImages } from "../../data/images/load.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { createEvaluator } from "../../train/evaluate.ts";
import { openModel } from "../../train/model.ts";
import { createObjective } from "../../train/objectives/objectives.ts";
import { stepOptions } from "../../train/run.ts";
import { describeTokens } from "../../train/runData.ts";
import type { Material, Subject } from "./subject.ts";

const TEST_TIMES = 4;
const usual = { length: 128, evaluationTokens: 16_384 };

/** Half of the validation tokens choose rates; the test is of the other half. */
export const text: Subject = {
  name: "text",
  key: "data",
  keys: ["data", "tokenizer", "length", "evaluationTokens"],
  batch: 16,
  measure: "loss",
  mostEpochs: 4,
  // Kaplan et al. 2020, table 5.
  sizeExponent: 0.076,
  words: {
    item: "a token",
    sequence: "a sequence",
    tokens: "tokens",
    selection: "the tokens that select",
    test: "the test's tokens",
    verdict: null,
  },
  defaults: {},
  read(given) {
    const { length = usual.length, evaluationTokens = usual.evaluationTokens } = given as Partial<
      typeof usual
    >;
    if (evaluationTokens < length) {
      throw new RequestError(
        `study: evaluationTokens is ${evaluationTokens}; expected at least the ${length} of one sequence`,
      );
    }
    return { length, evaluationTokens, images: undefined };
  },
  builtIn: ({ data }) =>
    data === undefined || data === "language"
      ? "the built-in language, since no other is given (--data, or data: in the study)"
      : null,
  on: (input, data) => ({ ...input, data }),
  takes: (data, dataFolder) => !meansImages({ data, dataFolder }),
  async look({ data, tokenizer }, dataFolder) {
    const dataset = await loadDataset({ data, tokenizer, dataFolder });
    return { vocabulary: dataset.tokenizer.vocabulary, ...describeTokens(dataset) };
  },
  usual: () => ({ name: "text", vocabulary: 65, trainingTokens: 1e9, validationTokens: 1e6 }),
  objective: ({ training }) => createObjective(training.objective ?? "next-token"),
  split({ evaluationTokens, length }, { validationTokens, name }) {
    const [most, window] = [evaluationTokens!, length!];
    const half = Math.floor((validationTokens - 1) / 2);
    if (half <= window) {
      throw new RequestError(
        `study: ${name} has ${validationTokens} validation tokens; expected more than ${2 * window + 2}, for selection and ` +
          "test windows of the study's length: give more text, or a smaller length",
      );
    }
    return {
      selection: Math.min(most, half),
      test: Math.min(TEST_TIMES * most, validationTokens - 1 - half),
    };
  },
  material: ({ data, tokenizer }, split) => ({ data: data ?? null, tokenizer: tokenizer ?? null, split }),
  looks: ({ selection }) => ({ evaluationTokens: selection }),
  source(material) {
    const request = requestOf(material);
    return request === undefined ? {} : { data: request };
  },
  async test({ machine, folder, material, dataFolder }) {
    const dataset = await loadDataset({ ...requestOf(material), dataFolder });
    const tokens = dataset.validation.subarray(dataset.validation.length - 1 - material.split!.test);
    const { architecture, configuration, store } = openModel(machine, folder, "last");
    const options = stepOptions(configuration);
    const rows = configuration.training.batch / configuration.training.microBatches;
    const evaluator = createEvaluator(machine, architecture, store, rows, options);
    try {
      const { loss, statistics } = await evaluator.evaluate(batchesOf(tokens, architecture.length, rows));
      if (!Number.isFinite(loss)) {
        throw new WorkError(
          `${folder}: the loss of the test is ${loss}; the model's numbers are out of range`,
        );
      }
      const optimum = options.objective!.scoresNextTokens
        ? (dataset.language?.optimalLoss(tokens, architecture.length)?.value ?? null)
        : null;
      return { loss, accuracy: statistics.accuracy ?? null, optimum };
    } finally {
      evaluator.dispose();
    }
  },
};

function* batchesOf(tokens: Tokens, length: number, rows: number) {
  for (const { inputs, targets } of evaluationBatches(tokens, length, rows)) yield { inputs, targets };
}

/** Undefined: the built-in language. */
function requestOf({ data, tokenizer }: Material) {
  if (data === null || data === undefined) return undefined;
  return { data, ...(tokenizer === null || tokenizer === undefined ? {} : { tokenizer }) };
}
