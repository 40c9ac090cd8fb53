// The library: everything a command does is a typed function here. Import from "scantling". C code is not loaded before
// a machine that needs it is opened.

// What is wrong with a request, and what failed at work.

export { RequestError, WorkError } from "./errors.ts";

// Architectures as data, and what they cost.

export {
  type Architecture,
  type ArchitectureInput,
  defineArchitecture,
  type SourceEntry,
  type SourceItem,
  type StripeEntry,
  type StripeItem,
} from "./architecture/architecture.ts";
export { type ChinchillaShape, chinchillaParameters } from "./architecture/conventions.ts";
export { type Count, count } from "./architecture/count.ts";
export { type CutNetwork, cutNested } from "./architecture/cutNested.ts";
export { architectureJsonSchema } from "./architecture/jsonSchema.ts";
export type { Loop } from "./architecture/loop.ts";
export { presetArchitecture, presets, W1, W2 } from "./architecture/presets.ts";
export { readArchitecture } from "./architecture/read.ts";
export { type RelaxedNetwork, relaxNetwork } from "./architecture/relaxed.ts";
export { type RelaxedSelection, relaxedSelections } from "./architecture/relaxedSelections.ts";
export {
  type Budget,
  type FlopConvention,
  flopConventions,
  type ParameterConvention,
  parameterConventions,
  type Solution,
  type StateConvention,
  solveWidths,
  stateConventions,
} from "./architecture/solve.ts";
export { printStripe } from "./architecture/stripe.ts";
export type { ParameterValues } from "./architecture/values.ts";
export type { Paths } from "./nn/paths.ts";

// Primitives of one's own, and the configuration that lists them.

export { checkPrimitive, type PrimitiveCheck } from "./nn/checkPrimitive.ts";
export { type Config, defineConfig } from "./nn/config.ts";
export type {
  AddedEntries,
  GrowingParameter,
  Grown,
  Growth,
  GrowthDefinition,
  HiddenUnits,
} from "./nn/growth.ts";
export { type LinearOptions, linearMap } from "./nn/linear.ts";
export type { Initializer, ParameterDeclaration, ParameterSource, Role } from "./nn/parameters.ts";
export {
  type Decoded,
  type Decodes,
  type Decoding,
  definePrimitive,
  type Growing,
  type Module,
  type Placed,
  type Primitive,
  type PrimitiveDefinition,
  type State,
  type StateType,
  type StateTypes,
  type Surroundings,
} from "./nn/primitive.ts";
export { registerPrimitives } from "./nn/primitives.ts";
export type { PyTorchForm, PythonHelper } from "./nn/pytorch/form.ts";
export type { PyTorchName } from "./nn/pytorch/names.ts";
export type { Scope } from "./nn/scope.ts";
/** Kinds of settings that a primitive may have. */
export * as setting from "./nn/setting.ts";
export { lastToken } from "./nn/tokenShift.ts";

// Machines: what computes.

export type { Executable, Machine, NumericArray, ProgramNeeds, Store } from "./backend/machine.ts";
export {
  type BackendChoice,
  backendChoices,
  type OpenMachine,
  type OpenOptions,
  openMachine,
} from "./backend/open.ts";
export { createReference } from "./backend/reference.ts";
export type { Environment } from "./environment.ts";
export type { AxisGrowth } from "./growth/axes.ts";
export type { GrowthTarget } from "./growth/define.ts";
export {
  type GrownNetwork,
  type GrowthNote,
  growMoments,
  growNetwork,
  type NamedTensors,
  printNote,
} from "./growth/grow.ts";
export {
  type Importance,
  randomImportance,
  sumImportance,
} from "./growth/importance.ts";
export type { Masks, ParameterMask } from "./growth/masks.ts";
export type {
  CopyingMethod,
  GrowingNetwork,
  GrownBy,
  GrownStep as GrownNetworkStep,
  GrowthData,
  GrowthMethod,
  LearningMethod,
  MethodContext,
  MethodDescription,
} from "./growth/methods/method.ts";
export { growBy, growByData, growthMethod, growthMethods } from "./growth/methods/methods.ts";
export { type GrowthPlan, type Origins, type ParameterGrowth, planGrowth } from "./growth/plan.ts";
export { compareNetworks, type Difference, type Network } from "./growth/proof.ts";
export {
  type NormScales,
  type PrunedNetwork,
  type PruneStep,
  pruneNetwork,
  type RemovedUnits,
} from "./growth/prune.ts";
export { type GrowthStep, planStep } from "./growth/steps.ts";
export type { FloatNumbers, TensorGrowth } from "./growth/tensor.ts";
export type { UnitSums } from "./growth/units.ts";
export type { RotaryScaling } from "./tensor/composites/rotary.ts";

/** Building, differentiating and evaluating computations of one's own. */
export * as tensor from "./tensor/public.ts";

// Text, tokens, data sets by name, and the built-in language.

export type { Tokens } from "./data/batches.ts";
export { type Dataset, type DatasetRequest, loadDataset } from "./data/dataset.ts";
export type { Filter } from "./data/filter.ts";
export type { DocumentGrammar, Grammar, LanguageGrammar, WeightedGrammar } from "./data/grammar.ts";
export type { Augmentation, AugmentationInput } from "./data/images/augment/settings.ts";
export {
  createImageSampler,
  type ImageBatch,
  type ImageSamplerOptions,
  imageEvaluationBatches,
} from "./data/images/batches.ts";
export type { ImageSize, LabelledImages } from "./data/images/images.ts";
export { type ImageRequest, loadImages } from "./data/images/load.ts";
export {
  definePatches,
  type Normalisation,
  normalisationOf,
  type Patching,
} from "./data/images/patches.ts";
export { drawShapes, shapeNames } from "./data/images/shapes.ts";
export type { ImageDataset } from "./data/images/split.ts";
export { createLanguage, type Estimate, type Language } from "./data/language.ts";
export type { DownloadEvent, DownloadTrouble, Patience } from "./data/named/download.ts";
export { type FetchEnd, type FetchEvent, type FetchOptions, fetchDataset } from "./data/named/fetch.ts";
export { dataFolders } from "./data/named/folders.ts";
export type { Download, NamedDataset, PackedFile } from "./data/named/namedDataset.ts";
export type { DownloadProgress } from "./data/named/request.ts";
export { type DatasetState, type FoundDataset, findDataset } from "./data/named/state.ts";
export { namedDatasets } from "./data/named/table.ts";
export type { StoredFile } from "./data/named/unpack.ts";
export type { DataFolders } from "./data/text.ts";
export type { Tokenizer, TokenizerDescription, Unseen } from "./data/tokenizer.ts";

// Synthetic tasks whose answers are known.

export {
  batchedMacroRecall,
  chanceNormalised,
  macroRecall,
  tokenAccuracy,
} from "./data/tasks/metrics.ts";
export {
  type DataProfile,
  dataProfiles,
  type OpenTask,
  openTask,
  type TaskRequest,
} from "./data/tasks/openTask.ts";
export { type ItemStatistics, itemStatistics } from "./data/tasks/statistics.ts";
export {
  type Answering,
  type Items,
  notScored,
  type Split,
  type Task,
  type TaskInstance,
  type TaskVariant,
} from "./data/tasks/task.ts";
export { createTaskData, type ItemCounts, type SplitItems } from "./data/tasks/taskData.ts";
export { requireTask, tasks } from "./data/tasks/tasks.ts";

// Laws of scaling: fitting them, and planning by them.

export type { Diagnostic } from "./scaling/diagnose.ts";
export { type CurvePoint as TrainingCurvePoint, fitEnvelope } from "./scaling/envelope.ts";
export {
  type Fit,
  type FitOptions,
  type Fitted,
  fitLaw,
  type Goodness,
  predictFitted,
} from "./scaling/fit.ts";
export type { Estimate as FittedEstimate } from "./scaling/intervals.ts";
export {
  fitIsoflop,
  fitOptima,
  type IsoflopFit,
  type IsoflopRun,
  type OptimaFit,
  type ResamplingOptions,
  type Valley,
  type ValleyAxis,
} from "./scaling/isoflop.ts";
export {
  type Batch as RegressionBatch,
  type Domain,
  type Law,
  type Numbers,
  type Observations,
  type Published,
  predict,
  type Regression,
} from "./scaling/law.ts";
export { lawOf, laws } from "./scaling/laws/laws.ts";
export type { Runs } from "./scaling/objective.ts";
export { allocate, type Goal } from "./scaling/plan/allocate.ts";
export {
  type FittedConstants,
  type FittedFrontier,
  planLawOfFit,
  planLawOfFrontier,
} from "./scaling/plan/fittedLaw.ts";
export { type Ladder, ladderFor, type Rung } from "./scaling/plan/ladder.ts";
export { type Alternative, type ModelPlan, type PlanRequest, planModel } from "./scaling/plan/plan.ts";
export { type Allocation, type PlanLaw, planLawOf } from "./scaling/plan/planLaw.ts";
export type {
  MeasuredRate,
  ModelRecipe,
  Parametrisation,
  RateAdvice,
  RoleRate,
} from "./scaling/plan/recipe.ts";
export { type Shape, type ShapeRequest, shapeFor } from "./scaling/plan/shape.ts";
export type { FrontierFit, Optimum } from "./scaling/powerLaw.ts";
export { type Quantity, type QuantityDescription, quantities } from "./scaling/quantities.ts";

// Runs: training, going on, and what they tell.

export type {
  Best,
  CheckpointEvent,
  DamagedEvent,
  EndEvent,
  EvaluationEvent,
  GrownEvent,
  NonFiniteEvent,
  SampleEvent,
  StartEvent,
  StatisticsEvent,
  StepEvent,
  TrainEvent,
} from "./train/events.ts";
export type { GrowthEvent, GrowthEventInput, GrowthMoment } from "./train/growthEvents.ts";
export type { ImageArchitectureInput, ImageRunInput } from "./train/imageRun.ts";
export type { ImageSettings } from "./train/imageSettings.ts";
export type { MemoryPrediction } from "./train/memory.ts";
export { type ResumeOptions, resume } from "./train/resume.ts";
export type { RunOptions } from "./train/run.ts";
export type { TextSettings } from "./train/runFolder.ts";
export { type RunConfiguration, type RunSettings, readConfiguration } from "./train/runFolder.ts";
export type { ScheduleInput } from "./train/schedule.ts";
export { defineTraining, type TrainingInput, type TrainingSettings } from "./train/settings.ts";
// Models that learn synthetic tasks.
export { architectureFor, type TaskArchitecture, type TaskNeeds } from "./train/tasks/form.ts";
export { drawnData, type ItemSource, keptItems, type TaskData } from "./train/tasks/items.ts";
export { type Learned, type LearnOptions, learn } from "./train/tasks/learn.ts";
export type { CurvePoint as TaskCurvePoint } from "./train/tasks/progress.ts";
export { defineRecipe, type Initialization, type Recipe, type RecipeInput } from "./train/tasks/recipe.ts";
export { type MadPoint, paperRecipe, releasedRecipe } from "./train/tasks/recipes.ts";
export type { TaskScore } from "./train/tasks/score.ts";
export { type Board, openBoard } from "./train/tensorboard.ts";
export { type TrainOptions, train } from "./train/train.ts";

// Trained models: writing, being judged, leaving for other programs.

export {
  evaluateImages,
  type ImageEvaluation,
  type ImageEvaluationEvent,
  type ImageEvaluationOptions,
} from "./train/evaluateImages.ts";
export {
  type EvaluatedModel,
  evaluateRun,
  type RunEvaluation,
  type RunEvaluationEvent,
  type RunEvaluationOptions,
} from "./train/evaluateRun.ts";
export type {
  IntervalDescription,
  ScoringEnd,
  ScoringOptions,
  ScoringProgress,
  ScoringStart,
  TextEvaluation,
} from "./train/evaluateText.ts";
export { type ExportedModel, type OnnxShape, onnxFile, safetensorsFile } from "./train/exportModel.ts";
export { exportPyTorch, type PyTorchExport, type PyTorchSource } from "./train/exportPyTorch.ts";
export {
  type ExportFormat,
  type ExportOptions,
  type ExportResult,
  exportFormats,
  exportRun,
} from "./train/exportRun.ts";
export { type GrownRun, type GrownStep, type GrowOptions, growRun, type Proof } from "./train/growRun.ts";
export type { Measure } from "./train/interval.ts";
export { type DamageListener, type Model, openModel } from "./train/model.ts";
export { type Activation, observeActivations } from "./train/observe.ts";
export { type PruneCriterion, pruneCriteria } from "./train/pruneCriteria.ts";
export {
  type PrunedRun,
  type PrunedStep,
  type PruneOptions,
  type PruneProgress,
  pruneRun,
} from "./train/pruneRun.ts";
export {
  cutRun,
  type RelaxOptions,
  type RemadeRun,
  type RemakeOptions,
  relaxRun,
} from "./train/remakeRun.ts";
export { createTextSampler, type Sampler, type SamplingOptions } from "./train/sample.ts";
export { type RunSamplingOptions, type SamplePiece, sampleRun, sampleTexts } from "./train/sampleRun.ts";

// Studies: many runs, each job of which is a process of its own.

export type {
  JobEndEvent,
  JobFailureEvent,
  JobProgressEvent,
  JobRetryEvent,
  JobStartEvent,
  StudyContinueEvent,
  StudyDamagedEvent,
  StudyEndEvent,
  StudyEvent,
  StudyPauseEvent,
  StudyStageEvent,
  StudyStartEvent,
} from "./study/events.ts";
export { queryStudy, rebuildIndex, type StudyRow } from "./study/index.ts";
export type { Failure, Job, Json, Known, Plan, Progress, Result, Work } from "./study/job.ts";
export { runStudy, type StudyBudget, type StudyOptions } from "./study/runner.ts";
export { createStudyView, type StudyView } from "./study/view.ts";

// Reports of runs.

export type {
  Axis,
  BarChart,
  Chart,
  CurveChart,
  CurvePoint,
  ForestPlot,
  HeatMap,
  Picture,
  ScatterPlot,
  Series,
} from "./report/charts/chart.ts";
export { tableCsv } from "./report/csv.ts";
export { diagramSvg, diagramText } from "./report/diagram.ts";
export type {
  Cell,
  Column,
  Fact,
  ReportDocument,
  ReportEstimate,
  ReportFigure,
  ReportPart,
  ReportSection,
  ReportTable,
  Verdict,
} from "./report/document.ts";
export type { Outcome } from "./report/outcome.ts";
export { reportPage } from "./report/page.ts";
export { type LossCurve, type LossPoint, type RunReport, runPage } from "./report/run.ts";
export { summaryLines } from "./report/summary.ts";
export type { Unit } from "./report/units.ts";
export { type Telling, writeRunReport } from "./train/runReport.ts";
export { type RunResult, runCurve, runResult } from "./train/runResult.ts";

// Architectures compared on synthetic tasks.

export { type Association, associateResult, associateTable, meanName } from "./mad/against.ts";
export { type Contestant, readContestant } from "./mad/contestants.ts";
export type { IsoState } from "./mad/isoState.ts";
export { type MadEndEvent, type MadEvent, type MadOptions, mad } from "./mad/mad.ts";
export type { MixerSizes } from "./mad/mixers.ts";
export { type PerplexityTable, readPerplexities, type Scale } from "./mad/perplexities.ts";
export type { PricedBudget } from "./mad/price.ts";
export type { Profile, ProfileVariant, RecipePoint, ScoreName } from "./mad/profile.ts";
export { profiles } from "./mad/profiles/profiles.ts";
export { type Comparison as MadComparison, defineComparison, type MadRequest } from "./mad/request.ts";
export type {
  ArchitectureResult,
  MadResult,
  PairVerdict as MadVerdict,
  TaskResult,
  VariantResult,
} from "./mad/result.ts";
export type { CandidateRun, Cell as MadCell, RunSpec } from "./mad/runs.ts";
export type { Estimate as MadEstimate } from "./mad/scores.ts";
export { type Budget as MadBudget, readBudget } from "./study/budget.ts";
export {
  type Coordinate,
  type CoordinateOptions,
  coordinateCheck,
  type MovedCoordinate,
  slopeRange,
} from "./train/coordinates.ts";
export type { TrainerBatch } from "./train/objectives/objective.ts";
export type { MaximalUpdate } from "./train/parametrisation/maximalUpdate.ts";
export { parametrise } from "./train/parametrisation/parametrise.ts";
export {
  type AtWidth,
  defineParametrisation,
  type Parametrisation as TrainingParametrisation,
  type ParametrisationKind,
  parametrisationKinds,
} from "./train/parametrisation/settings.ts";
export { type CheckOptions, checkTransfer } from "./transfer/check.ts";
export type { CheckResult } from "./transfer/report.ts";
export {
  defineTransfer,
  type Transfer,
  type TransferRequest,
  type TransferRun,
  type TransferSeries,
  type TransferSpec,
} from "./transfer/request.ts";
export type { SeriesResult, SizeResult, TransferResult } from "./transfer/result.ts";
export { type TransferEvent, type TransferOptions, transfer } from "./transfer/transfer.ts";

// Ladders of real runs.

export { decoderFamily, familyOf, type LadderFamily } from "./ladder/family.ts";
export type { LadderFiles } from "./ladder/handOver.ts";
export { type LadderEvent, type LadderOptions, ladder } from "./ladder/ladder.ts";
export { type Base, type BaseRate, givenRate, measuredRateOf, planRate } from "./ladder/measuredRate.ts";
export type { Compared, RungOutcome } from "./ladder/outcome.ts";
export type { Prediction, RungPrediction } from "./ladder/predict.ts";
export { type RateRule, ratesOf } from "./ladder/rates.ts";
export {
  defineLadder,
  type IsoflopRequest as IsoflopLadderRequest,
  type Ladder as LadderPlan,
  type LadderCommon,
  type LadderRequest,
  type ShapeRequest as ShapeLadderRequest,
  type StateRequest as StateLadderRequest,
} from "./ladder/request.ts";
export type { LadderResult, ToldRun } from "./ladder/result.ts";
export type { LadderRun, RunSettings as LadderRunSettings } from "./ladder/runs.ts";
export {
  measureSpeed as measureLadderSpeed,
  processSeconds as ladderSeconds,
  type Speed as LadderSpeed,
} from "./ladder/time.ts";

// The machine examined and timed.

export { type ExportedFolder, type ExportFolderOptions, exportFolder } from "./hub/exportFolder.ts";
export {
  type FolderComparison,
  type FolderProof,
  type GrowFolderOptions,
  type GrownFolder,
  growFolder,
} from "./hub/growFolder.ts";
export { type ImportedRun, type ImportOptions, importFolder } from "./hub/importFolder.ts";
export type { PlaceDifference } from "./hub/prove.ts";
export { copyGigabytesPerSecond, type OperationTiming, timeOperation } from "./train/benchmark.ts";
export { stepsWithin, type TimeBudget } from "./train/benchmarkBudget.ts";
export {
  type PreparedCell,
  type PrimitiveCell,
  type PrimitiveTiming,
  type PrimitiveTimingOptions,
  prepareCell,
  timePrimitive,
  tokensOfStep,
} from "./train/benchmarkCell.ts";
export {
  type OperationCase,
  type OperationName,
  operationCases,
  operationNames,
} from "./train/benchmarkOperations.ts";
export { type PrimitiveCase, primitiveCases, type UsefulFlops } from "./train/benchmarkPrimitives.ts";
export { explainSteps, type StepTiming, type StepTimingOptions, timeSteps } from "./train/benchmarkSteps.ts";
export type { CompilerFacts, Toolchain, VectorFacts } from "./train/doctor/compiler.ts";
export type {
  BackendFacts,
  BackendName,
  DataFacts,
  DataFolderFacts,
  Diagnosis,
  Problem,
} from "./train/doctor/diagnosis.ts";
export { type DoctorEvent, type DoctorOptions, doctor } from "./train/doctor/doctor.ts";
export type { SelfTest } from "./train/doctor/selfTest.ts";
export type { SpeedFacts } from "./train/doctor/speed.ts";
export type { FolderFacts, SystemFacts } from "./train/doctor/system.ts";

// Many runs and what they say.

export {
  leastBudget,
  type Reason as RaceReason,
  race,
  type Standing as RaceStanding,
  type Tuned,
} from "./study/racing/race.ts";
export { type Ended, planOf, type Replay, type Rule, replay, type Wave } from "./study/racing/rule.ts";
export type { Entry as RaceEntry, Outcome as RaceOutcome, RaceSettings } from "./study/racing/settings.ts";
export {
  type Comparison,
  type ComparisonOptions,
  compareArms,
  type Verdict as PairVerdict,
} from "./study/statistics/compare.ts";
export { type Correlation, type Correlations, correlate } from "./study/statistics/correlation.ts";
export { armIntervals, type IntervalOptions, type ScoreInterval } from "./study/statistics/interval.ts";
export { type Cell as ScoreCell, itemVariance, type Table } from "./study/statistics/table.ts";

// Studies of trained models, and claims that they test.

export {
  type Claim,
  type ClaimStudy,
  type ClaimStudyEvent,
  type ClaimStudyOptions,
  type ClaimText,
  type PreparedStudy,
  type Scale as ClaimScale,
  type Studied,
  type StudiedClaim,
  type StudyCost,
  scales as claimScales,
} from "./claims/claim.ts";
export { claims, requireClaim } from "./claims/claims.ts";
export { type Expectation, judgeClaim } from "./claims/judge.ts";
export { type ReproduceEvent, type ReproduceOptions, reproduce } from "./claims/reproduce.ts";
export { type TrialClaim, trialClaim } from "./claims/trialStudy.ts";
export type { ClaimVerdict, Judged, Judgement } from "./claims/verdict.ts";
export type { ArmResult } from "./trial/armResult.ts";
export type { Arm } from "./trial/arms.ts";
export { type ComparedRun, compareRuns, type RunComparison } from "./trial/compareRuns.ts";
export { costOfTrial, type TrialCost } from "./trial/cost.ts";
export { defineTrial, type Trial, type TrialContext } from "./trial/define.ts";
export type { DefinedGrowth } from "./trial/growing.ts";
export type {
  ArmGrowth,
  ArmGrowthMoment,
  ArmInput,
  ArmTraining,
  EqualInput,
  FamilyInput,
  LengthInput,
  TrialInput,
  TrialSettings,
} from "./trial/input.ts";
export type { TrialArm, TrialStage } from "./trial/lengths.ts";
export type { MeasureName } from "./trial/measures.ts";
export type { ArmPace } from "./trial/paces.ts";
export type { PairResult, ViewResult } from "./trial/pairResult.ts";
export { type PreparedTrial, type PrepareOptions, prepareTrial } from "./trial/prepare.ts";
export { type TrialEnd, type TrialResult, trialResult } from "./trial/result.ts";
export type { RunIdentity, TrialRun, TrialSpec } from "./trial/runs.ts";
export type { Material, Split as TrialSplit, TrialData, Wording } from "./trial/subjects/subject.ts";
export { runTrial, type TrialEvent, type TrialOptions } from "./trial/trial.ts";
export type { Axis as BudgetAxis, Look, ViewStage } from "./trial/views.ts";

// From a text and a budget to an architecture and how to train it.

export { costOfDesign, type DesignCost, type RungCost } from "./design/cost.ts";
export type { Design, DesignRung } from "./design/define.ts";
export { type DesignEvent, type DesignOptions, type DesignResult, design } from "./design/design.ts";
export { type Idea, ideas, type Shape as IdeaShape } from "./design/ideas.ts";
export type { CandidateInput, DesignInput, DesignSettings } from "./design/input.ts";
export { type PrepareDesignOptions, type PreparedDesign, prepareDesign } from "./design/prepare.ts";
export type { Cost as DesignSpent, RungResult, SearchResult, Winner } from "./design/result.ts";
export type { RungSize } from "./design/rungs.ts";
export type { Screen, Screened } from "./design/screen.ts";
export { type SearchEvent, type SearchOptions, searchDesign } from "./design/search.ts";
export type { Candidate, LeftOut } from "./design/sizes.ts";
