// The library: everything a command does is a typed function here. Import from "scantling".

export {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
} from "./architecture/architecture.ts";
export { type Count, count } from "./architecture/count.ts";
export { W1, W2 } from "./architecture/presets.ts";
export type { Executable, Machine, NumericArray, Store } from "./backend/machine.ts";
export { createNative, type NativeMachine, type NativeOptions } from "./backend/native/index.ts";
export { createReference } from "./backend/reference.ts";
export { type Dataset, type DatasetRequest, loadDataset } from "./data/dataset.ts";
export { createLanguage, type Language } from "./data/language.ts";
export type { Tokenizer } from "./data/tokenizer.ts";
export { RequestError, WorkError } from "./errors.ts";
export { type RunReport, runPage } from "./report/run.ts";
export { summaryLines } from "./report/summary.ts";
/** Building, differentiating and evaluating computations of one's own. */
export * as tensor from "./tensor/index.ts";
export { copyGigabytesPerSecond, type OperationTiming, timeOperation } from "./train/benchmark.ts";
export { stepsWithin, type TimeBudget } from "./train/benchmarkBudget.ts";
export {
  type OperationCase,
  type OperationName,
  operationCases,
  operationNames,
} from "./train/benchmarkOperations.ts";
export { type StepTiming, type StepTimingOptions, timeSteps } from "./train/benchmarkSteps.ts";
export type {
  CheckpointEvent,
  EndEvent,
  EvaluationEvent,
  NonFiniteEvent,
  SampleEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
} from "./train/events.ts";
export { type Model, openModel } from "./train/model.ts";
export type { RunOptions } from "./train/run.ts";
export { type RunConfiguration, readConfiguration } from "./train/runFolder.ts";
export { type RunResult, runCurve, runResult, type Telling, writeRunReport } from "./train/runReport.ts";
export { createTextSampler, type Sampler, type SamplingOptions } from "./train/sample.ts";
export { type RunSamplingOptions, sampleRun } from "./train/sampleRun.ts";
export { defineTraining, type TrainingInput, type TrainingSettings } from "./train/settings.ts";
export { resume, type TrainOptions, train } from "./train/train.ts";
