// From what a design asks for to one that can be run: its data looked at, its candidates sized, and timed where the budget is a
// time. Trains nothing.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import type { BackendChoice } from "../backend/open.ts";
import { loadDataset } from "../data/dataset.ts";
import type { DataFolders } from "../data/text.ts";
import { requireMakeable } from "../study/makeable.ts";
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
import { type Design, type DesignContext, defineDesign } from "./define.ts";
import { type ContextFor, finalOf, leastBudget, requireEnough } from "./enough.ts";
import { type DesignInput, type DesignSettings, readDesign } from "./input.ts";
import { generatedCandidates } from "./sizes.ts";
import { bestSize, type Sized, screenFor, sizedFor } from "./sizing.ts";
import { pacesOf, scaled } from "./timing.ts";

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
  /** Time the candidates although nothing depends on it, and keep nothing. Default false. */
  readonly timed?: boolean | undefined;
  /** Called before each candidate is timed: its number, from 1, and how many there are. */
  readonly onTiming?: ((candidate: number, of: number) => void) | undefined;
  /** Aborted: candidates are not timed to the end, and its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** A design that can be run. */
export interface PreparedDesign {
  readonly design: Design;
  /** Of each candidate; null where nothing was timed. */
  readonly paces: readonly ArmPace[] | null;
}

/** A first guess is measured at a size that takes no time. */
const MOST_GUESSED = 1e7;

/** Errors: RequestError, one line, for everything that can be known to be wrong before training. */
export async function prepareDesign(options: PrepareDesignOptions): Promise<PreparedDesign> {
  const { input, folder, backend, signal, onTiming, processes = defaultProcesses(1) } = options;
  const settings = readDesign(input);
  if (folder !== undefined && !options.timed) requireMakeable(folder);
  const dataset = await loadDataset({
    ...{ data: settings.data, tokenizer: settings.tokenizer, dataFolder: options.dataFolder },
  });
  const data = { vocabulary: dataset.tokenizer.vocabulary, ...describeTokens(dataset) };
  const common = { data, backend, processes, screened: null };
  const paced = { batch: settings.batch, training: settings.training, backend, signal, onTiming };
  const sizes = new Map<number, Sized>();
  /** Solving for widths takes a second. */
  const sizedAt = (asked: DesignSettings, speed: number): Sized => {
    const flops = finalOf(asked) * speed;
    // A size that was asked for is the same whatever the budget.
    const key = asked.parameters === undefined ? flops : 0;
    const sized = sizes.get(key) ?? sizedFor(asked, data, flops);
    sizes.set(key, sized);
    return sized;
  };
  /** @param speed FLOP/s of all cores where the budget is a time; else 1 */
  const contextFor = (asked: DesignSettings, speed: number): DesignContext => {
    const sized = sizedAt(asked, speed);
    return { ...common, ...sized, screen: screenFor(asked, sized, processes) };
  };
  if (settings.budget.unit === "flops") {
    const at: ContextFor = (asked) => contextFor(asked, 1);
    const design = defineDesign(settings, at(settings), at);
    const paces = options.timed ? await pacesOf(design.candidates, paced) : null;
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
  const measure = async (asked: DesignSettings): Promise<Measured> => {
    const speed = await speedOf(asked, data, processes, paced);
    const { candidates } = sizedAt(asked, speed);
    return { speed, paces: await pacesOf(candidates, paced) };
  };
  const atSpeeds = (asked: DesignSettings, { speed, paces }: Measured): ContextFor => {
    const { candidates } = sizedAt(asked, speed);
    return (other) => {
      const context = contextFor(other, speed);
      return { ...context, secondsPerStep: scaled(context.candidates, candidates, paces) };
    };
  };
  if (kept === null) {
    // What the fixed costs of runs alone forbid is timed at the size that it would have if they did not: tiny models are slow.
    const larger = affordable(settings, (asked) => sizedAt(asked, USUAL_SPEED * processes), common);
    if (larger !== settings) {
      const at = atSpeeds(larger, await measure(larger));
      requireEnough(settings, at(settings), at, larger.budget.value);
    }
  }
  const own = kept ?? (await measure(settings));
  // Another call may have kept its own meanwhile.
  const those = kept ?? keptSpeeds(place, schema, "design");
  const measured = those ?? own;
  const { paces } = measured;
  const at = atSpeeds(settings, measured);
  const design = defineDesign(settings, at(settings), at);
  if (those === null && !options.timed) keepSpeeds(place, { speed: measured.speed, paces });
  return { design, paces };
}

/** FLOP/s of all cores together, and the speeds of the candidates that are sized by it. */
type Measured = z.infer<typeof schema>;

/** The settings, or with the least budget that pays for what runs take beside their updates. */
function affordable(
  settings: DesignSettings,
  sizedAt: (asked: DesignSettings) => Sized,
  common: Pick<DesignContext, "data" | "processes" | "screened">,
): DesignSettings {
  let asked = settings;
  // Larger ones may be more.
  for (let times = 0; times < 2; times++) {
    const { candidates, leftOut, sizedBy } = sizedAt(asked);
    const free = {
      ...common,
      candidates,
      leftOut,
      sizedBy,
      screen: null,
      secondsPerStep: candidates.map(() => 0),
    };
    const least = leastBudget(asked, () => free);
    if (least === null || least.value === asked.budget.value) break;
    asked = { ...asked, budget: least };
  }
  return asked;
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
