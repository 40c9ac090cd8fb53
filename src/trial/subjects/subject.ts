// What a study's models are trained on and judged by, as each kind of data declares it. Knows no particular kind.
import type { ArchitectureInput } from "../../architecture/schema.ts";
import type { Machine } from "../../backend/machine.ts";
import type { DataFolders } from "../../data/text.ts";
import type { ImageRunInput } from "../../train/imageRun.ts";
import type { Objective } from "../../train/objectives/objective.ts";
import type { TrainingInput } from "../../train/settings.ts";
import type { TrainOptions } from "../../train/train.ts";
import type { TrialInput, TrialSettings } from "../input.ts";
import type { MeasureName, Score } from "../measures.ts";

/** The data of a study, as far as its runs depend on them. Tokens of images are their patches. */
export interface TrialData {
  readonly name: string;
  /** Token ids of the data, or classes. */
  readonly vocabulary: number;
  readonly trainingTokens: number;
  readonly validationTokens: number;
  /** Where the test is apart from the validation data. */
  readonly testTokens?: number | undefined;
  /** Where the data decide them: tokens of a sequence, and the numbers of a token. */
  readonly sequence?: { readonly length: number; readonly inputs: number } | undefined;
  /** Over all of them: a study whose data were changed is another one. Default: they are known by their name alone. */
  readonly sha256?: string | undefined;
}

/** Tokens that choose rates, and those of the test. */
export interface Split {
  readonly selection: number;
  readonly test: number;
}

/** What a run's worker is told of its data; text has the first three, images the last. */
export interface Material {
  readonly data?: string | null;
  readonly tokenizer?: string | null;
  /** Validation tokens that select, from the beginning, and the test's behind them. */
  readonly split?: Split;
  readonly images?: ImageRunInput;
}

/** A finished run that is to be tested. */
export interface Tested {
  readonly machine: Machine;
  readonly folder: string;
  readonly material: Material;
  readonly dataFolder: DataFolders | undefined;
}

/** Words of the report. */
export interface Wording {
  /** What a loss is a mean over, what is one sequence, and what `TrialData` counts: "a token", "a sequence", "tokens". */
  readonly item: string;
  readonly sequence: string;
  readonly tokens: string;
  readonly selection: string;
  readonly test: string;
  /** What has to be known of the verdict; null: nothing. */
  readonly verdict: string | null;
}

/** One kind of data. */
export interface Subject {
  readonly name: string;
  /** The key of a study, and of its runs' specs, that names the data. */
  readonly key: "data" | "images";
  /** Keys of a study that are of no other kind. */
  readonly keys: readonly (keyof TrialInput)[];
  /** Sequences of an update, where none are given. */
  readonly batch: number;
  /** What the verdict is on. */
  readonly measure: MeasureName;
  /** More epochs than these must be asked for as such. */
  readonly mostEpochs: number;
  /** Loss goes as parameters to minus this power, where nothing else bounds it; null where no such law is known. */
  readonly sizeExponent: number | null;
  readonly words: Wording;
  /** The settings of its own, complete. Errors: RequestError, one line. */
  read(
    given: Readonly<Record<string, unknown>>,
  ): Pick<TrialSettings, "length" | "evaluationTokens" | "images">;
  /** What the report says first where no data are named; null where some are. */
  builtIn(settings: TrialSettings): string | null;
  /** The study on other data. */
  on(input: TrialInput, data: string): TrialInput;
  /** Whether `data` names such data, as far as names tell. */
  takes(data: string, dataFolder: DataFolders | undefined): boolean;
  /** Errors: RequestError where the data cannot be had. */
  look(settings: TrialSettings, dataFolder: DataFolders | undefined): Promise<TrialData>;
  /** Data as they usually are, for costs that depend on little else. */
  usual(settings: TrialSettings): TrialData;
  /** What an architecture has where it says nothing else. */
  readonly defaults: Partial<ArchitectureInput>;
  /** Token ids of the objective beside the data's, and what models are held to. */
  objective(settings: TrialSettings): Objective;
  /** Errors: RequestError where there are too few to choose rates by and to test on. */
  split(settings: TrialSettings, data: TrialData): Split;
  /** What a run is told of its data, and of how it looks at them on the way. */
  material(settings: TrialSettings, split: Split): Material;
  looks(split: Split): Pick<TrainingInput, "evaluationTokens">;
  /** What `train` takes of it. */
  source(material: Material): Pick<TrainOptions, "data" | "images">;
  /** On data that have chosen nothing. `optimum`: the lowest loss of any predictor there, where the data know it. */
  test(run: Tested): Promise<Score & { readonly optimum: number | null }>;
}
