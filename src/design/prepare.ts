// From what a design asks for to one that can be run: its data looked at, its candidates sized, and timed where the budget is a
// time. Trains nothing.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import type { BackendChoice } from "../backend/open.ts";
import { loadDataset } from "../data/dataset.ts";
import type { DataFolders } from "../data/text.ts";
import { RequestError } from "../errors.ts";
import { planLawOf } from "../scaling/plan/planLaw.ts";
import { showBudget } from "../study/budget.ts";
import { defaultProcesses } from "../study/processes.ts";
import { USUAL_SPEED } from "../study/usual.ts";
import { describeTokens } from "../train/runData.ts";
import type { TrialData } from "../trial/define.ts";
import {
  type ArmPace,
  keepSpeeds,
  keptSpeeds,
  measurePaces,
  type PaceOptions,
  pacesSchema,
} from "../trial/paces.ts";
import { type Design, defineDesign, finalOf } from "./define.ts";
import { type DesignInput, type DesignSettings, readDesign } from "./input.ts";
import { type Screen, screenOf } from "./screen.ts";
import { type Candidates, generatedCandidates, givenCandidates } from "./sizes.ts";

/** What a design asks for, and where. */
export interface PrepareDesignOptions {
  readonly input: DesignInput | unknown;
  /** Of the design; speeds that decide how long runs are trained are kept in it, so that it goes on with the same. */
  readonly folder?: string | undefined;
  /** Where data sets with a name lie. */
  readonly dataFolder?: DataFolders | undefined;
  readonly backend?: BackendChoice | undefined;
  /** Runs at a time; default: as many as there are cores. */
  readonly processes?: number | undefined;
  /** Time the candidates although nothing depends on it. Default false. */
  readonly timed?: boolean | undefined;
  /** Aborted: candidates are not timed to the end, and its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** A design that can be run. */
export interface PreparedDesign {
  readonly design: Design;
  /** Of each candidate; null where nothing was timed. */
  readonly paces: readonly ArmPace[] | null;
}

/** Of the budget, for synthetic tasks that were not asked for. */
const SCREEN_SHARE = 0.02;
/** FLOPs of the tasks for two kinds of blocks, and less. */
const LEAST_SCREEN = 1e11;
/** A first guess is measured at a size that takes no time. */
const MOST_GUESSED = 1e7;

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export async function prepareDesign(options: PrepareDesignOptions): Promise<PreparedDesign> {
  const { input, folder, backend, signal, processes = defaultProcesses(1) } = options;
  const settings = readDesign(input);
  const dataset = await loadDataset({
    ...{ data: settings.data, tokenizer: settings.tokenizer, dataFolder: options.dataFolder },
  });
  const data = { vocabulary: dataset.tokenizer.vocabulary, ...describeTokens(dataset) };
  const common = { data, backend, processes, screened: null };
  const paced = { batch: settings.batch, backend, signal };
  if (settings.budget.unit === "flops") {
    const sized = sizedFor(settings, data, finalOf(settings));
    const screen = screenFor(settings, sized, processes);
    const design = defineDesign(settings, { ...common, ...sized, screen });
    const paces = options.timed ? await measurePaces(sized.candidates, paced) : null;
    return { design, paces };
  }
  const place = {
    ...{ folder, file: "speeds.json", study: join("search", "study.json") },
    of: createHash("sha256")
      // Without a choice nothing is added, so that designs of earlier versions find their speeds.
      .update(JSON.stringify([settings, data.sha256, processes, ...(backend === undefined ? [] : [backend])]))
      .digest("hex"),
  };
  const kept = keptSpeeds(place, schema, "design");
  const speed = kept?.speed ?? (await speedOf(settings, data, processes, paced));
  const sized = sizedFor(settings, data, finalOf(settings) * speed);
  const paces = kept?.paces ?? (await measurePaces(sized.candidates, paced));
  const design = defineDesign(settings, {
    ...{ ...common, ...sized, screen: screenFor(settings, sized, processes) },
    secondsPerStep: paces.map(({ secondsPerStep }) => secondsPerStep),
  });
  if (kept === null && !options.timed) keepSpeeds(place, { speed, paces });
  return { design, paces };
}

type Sized = Candidates & Pick<Design, "sizedBy">;

/** @param flops of the winner's run */
function sizedFor(settings: DesignSettings, data: TrialData, flops: number): Sized {
  const { parameters, state, length, candidates } = settings;
  const { parameters: best, law } = bestSize(flops, data);
  const request = { parameters: parameters ?? best, state, vocabulary: data.vocabulary, length };
  const sizedBy = parameters === undefined ? law : null;
  if (candidates === undefined) {
    requireModel(settings, request.parameters, sizedBy);
    return { ...generatedCandidates(request), sizedBy };
  }
  const { isSized, ...own } = givenCandidates(candidates, parameters !== undefined, request);
  return { ...own, sizedBy: isSized ? sizedBy : null };
}

/** No block that is worth the name has fewer parameters. */
const FEWEST_PARAMETERS = 2000;

/** Errors: RequestError where the budget alone chose a size that is no model. */
function requireModel({ budget }: DesignSettings, parameters: number, sizedBy: string | null): void {
  if (sizedBy === null || parameters >= FEWEST_PARAMETERS) return;
  throw new RequestError(
    `design: budget ${showBudget(budget)} is too small: by law ${sizedBy} its winner would have ${parameters} parameters; expected enough ` +
      `for ${FEWEST_PARAMETERS.toLocaleString("en-US")} at least, or give the parameters`,
  );
}

/** Errors: RequestError where it is asked for and cannot be. */
function screenFor({ mad, budget }: DesignSettings, { candidates }: Sized, processes: number): Screen | null {
  const most = SCREEN_SHARE * budget.value * (budget.unit === "flops" ? 1 : USUAL_SPEED * processes);
  // A look at what it would cost takes a while, and no screening costs less.
  if (mad === false || (mad === undefined && most < LEAST_SCREEN)) return null;
  const screen = screenOf(candidates);
  if (screen === null && mad === true) {
    throw new RequestError(
      "design: mad tells kinds of blocks apart, and the candidates have one kind or cannot answer its tasks; leave it out",
    );
  }
  return screen !== null && (mad === true || screen.flops <= most) ? screen : null;
}

/** What a run is best spent on, by the laws of others; where text would be seen again, by the one that knows of that. */
function bestSize(flops: number, { trainingTokens }: TrialData): { parameters: number; law: string } {
  const usual = planLawOf("besiroglu");
  const isRepeated = usual.optimum(flops).tokens > trainingTokens;
  const law = isRepeated ? planLawOf("data-constrained", trainingTokens) : usual;
  return { parameters: Math.round(law.optimum(flops).parameters), law: law.name };
}

/** FLOP/s of all cores together, of a model about as large as those that will be trained. */
async function speedOf(
  settings: DesignSettings,
  data: TrialData,
  processes: number,
  paced: PaceOptions,
): Promise<number> {
  // Sizes that were given do not depend on it.
  if (settings.parameters !== undefined || settings.candidates !== undefined) return USUAL_SPEED * processes;
  const { parameters } = bestSize(finalOf(settings) * USUAL_SPEED * processes, data);
  const request = { state: undefined, vocabulary: data.vocabulary, length: settings.length };
  const [guess] = generatedCandidates({
    ...request,
    parameters: Math.min(MOST_GUESSED, parameters),
  }).candidates;
  const [pace] = await measurePaces([guess!], paced);
  const flops = guess!.flopsPerToken * settings.batch * settings.length;
  return (processes * flops) / pace!.secondsPerStep;
}

const schema = z.object({ speed: z.number().positive(), paces: pacesSchema });
