// The arms of a study: architectures named or solved for, completed for its data, held to what is to be equal. Trains nothing.
import { isAbsolute, join } from "node:path";
import { type Architecture, defineArchitecture } from "../architecture/architecture.ts";
import { type Count, count, countedMatrices } from "../architecture/count.ts";
import { presets } from "../architecture/presets.ts";
import { readArchitectureInput } from "../architecture/read.ts";
import { atShape, type Budget, type ParameterConvention, solveWidths } from "../architecture/solve.ts";
import { RequestError } from "../errors.ts";
import { type DefinedGrowth, defineArmGrowth, networksOf } from "./growing.ts";
import type { ArmInput, ArmTraining, TrialSettings } from "./input.ts";
import type { TrialData } from "./subjects/subject.ts";
import { subjectOf } from "./subjects/subjects.ts";

/** One arm, complete. */
export interface Arm {
  readonly name: string;
  readonly architecture: Architecture;
  /** Undefined: the study's. */
  readonly parametrisation: ArmInput["parametrisation"];
  readonly rates: readonly number[];
  /** In place of the study's. */
  readonly training: Omit<ArmTraining, "grow">;
  /** When its network grows. */
  readonly growth: readonly DefinedGrowth[];
  /** The network that it begins with, and what that grows to. */
  readonly networks: readonly { readonly architecture: Architecture; readonly count: Count }[];
  /** Of the last of them. */
  readonly count: Count;
  /** By every convention, of the last of them. */
  readonly parameters: Readonly<Record<ParameterConvention, number>>;
}

/** What the data decide. */
export interface ArmContext {
  readonly data: Pick<TrialData, "vocabulary" | "sequence">;
  /** Folder that paths of architectures go from; default: the working folder. */
  readonly folder?: string | undefined;
}

/**
 * Errors: RequestError, one line, for architectures that cannot be, and for arms that are not equal within the tolerance,
 * with how near they come.
 */
export function armsOf(settings: TrialSettings, context: ArmContext): Arm[] {
  const arms = settings.arms === null ? familyArms(settings, context) : namedArms(settings, context);
  requireEqualParameters(arms, settings);
  requireEqualState(arms, settings);
  return arms;
}

function namedArms(settings: TrialSettings, context: ArmContext): Arm[] {
  const { arms, rates } = settings;
  return Object.entries(arms!).map(([name, arm]) => {
    const architecture = architectureOf(`arms.${name}`, arm.architecture, settings, context);
    return complete(name, architecture, { ...withPaths(arm, context.folder), rates: arm.rates ?? rates });
  });
}

/** Architectures to grow to lie where the arms' own do. */
function withPaths(arm: ArmInput, folder: string | undefined): ArmInput {
  const { grow } = arm.training ?? {};
  if (!Array.isArray(grow)) return arm;
  const located = grow.map((event) =>
    typeof event?.to === "string" ? { ...event, to: locatedAt(event.to, folder) } : event,
  );
  return { ...arm, training: { ...arm.training, grow: located } };
}

function familyArms(settings: TrialSettings, context: ArmContext): Arm[] {
  const { family, equal, rates } = settings;
  const { architecture: given, depths, parametrisation } = family!;
  const base = architectureOf("family", given, settings, context);
  const { parameters, convention, state } = equal;
  const budget: Budget =
    parameters === null
      ? { of: "state", value: Number(state), convention: "kept" }
      : { of: "parameters", value: parameters, convention };
  try {
    return solveWidths(base, budget, depths).map(({ depth, width }) =>
      complete(`${depth} × ${width}`, atShape(base, width, depth), { parametrisation, rates }),
    );
  } catch (error) {
    throw named(error, "family");
  }
}

function architectureOf(
  what: string,
  given: ArmInput["architecture"],
  settings: TrialSettings,
  { data, folder }: ArmContext,
): Architecture {
  const { defaults, objective } = subjectOf(settings);
  try {
    const input = typeof given === "string" ? readArchitectureInput(locatedAt(given, folder)) : given;
    return defineArchitecture({
      ...{ width: 64, ...defaults, ...input },
      vocabulary: data.vocabulary + objective(settings).extraTokens,
      ...(data.sequence ?? { length: settings.length }),
    });
  } catch (error) {
    throw named(error, what);
  }
}

function named(error: unknown, what: string): unknown {
  return error instanceof RequestError ? new RequestError(`study: ${what}: ${error.message}`) : error;
}

function locatedAt(nameOrFile: string, folder: string | undefined): string {
  const isFile = /\.(json|ya?ml)$/i.test(nameOrFile) && !presets.has(nameOrFile);
  return isFile && folder !== undefined && !isAbsolute(nameOrFile) ? join(folder, nameOrFile) : nameOrFile;
}

function complete(
  name: string,
  architecture: Architecture,
  { parametrisation, rates, training = {} }: Omit<ArmInput, "architecture" | "rates"> & Pick<Arm, "rates">,
): Arm {
  const { grow = [], ...others } = training;
  const { growth, networks } = grown(name, architecture, grow);
  const last = networks.at(-1)!;
  const { total, nonEmbedding, active } = last.count.parameters;
  const parameters = { total, nonEmbedding, active, kaplan: countedMatrices(last.architecture) };
  return {
    ...{ name, architecture, parametrisation, rates, training: others },
    ...{ growth, networks, count: last.count, parameters },
  };
}

function grown(name: string, architecture: Architecture, grow: NonNullable<ArmTraining["grow"]>) {
  try {
    const growth = defineArmGrowth(grow);
    const networks = networksOf(architecture, growth).map((network) => ({
      architecture: network,
      count: count(network),
    }));
    return { growth, networks };
  } catch (error) {
    throw named(error, name);
  }
}

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 2 : 0)} %`;

function requireEqualParameters(arms: readonly Arm[], { equal, family }: TrialSettings): void {
  const { parameters: asked, convention, tolerance } = equal;
  if (!equal.isHeld) return;
  const sizes = arms.map(({ parameters }) => parameters[convention]);
  // Where no size is asked for, as large as each other: as their geometric middle.
  const middle = asked ?? Math.sqrt(Math.min(...sizes) * Math.max(...sizes));
  const worst = arms.reduce((a, b) =>
    Math.abs(Math.log(b.parameters[convention] / middle)) >
    Math.abs(Math.log(a.parameters[convention] / middle))
      ? b
      : a,
  );
  const size = worst.parameters[convention];
  const off = size / middle - 1;
  if (Math.abs(off) <= tolerance) return;
  throw new RequestError(
    `study: ${worst.name} has ${size.toLocaleString("en-US")} parameters (${convention}), ${percent(Math.abs(off))} ` +
      `${off > 0 ? "above" : "below"} ${asked === null ? "the middle of the arms" : "equal.parameters"}, ` +
      `${Math.round(middle).toLocaleString("en-US")}; expected within ${percent(tolerance)}: ` +
      (family === null
        ? "change its width, or equal.tolerance"
        : "change equal.parameters, family.depths or equal.tolerance"),
  );
}

function requireEqualState(arms: readonly Arm[], { equal, family }: TrialSettings): void {
  const { state: asked, tolerance } = equal;
  if (asked === false) return;
  const states = arms.map(({ count: { stateElements } }) => stateElements.kept);
  if (asked !== true) {
    const worst = Math.max(...states.map((state) => Math.abs(state / asked - 1)));
    if (worst <= tolerance) return;
    const place = states.findIndex((state) => Math.abs(state / asked - 1) === worst);
    throw new RequestError(
      `study: decoding carries ${states[place]!.toLocaleString("en-US")} numbers for ${arms[place]!.name}, ${percent(worst)} ` +
        `${states[place]! > asked ? "above" : "below"} equal.state, ${asked.toLocaleString("en-US")}; expected within ` +
        `${percent(tolerance)}: change ${family === null ? "its width" : "equal.state, family.depths"} or equal.tolerance`,
    );
  }
  const [least, most] = [Math.min(...states), Math.max(...states)];
  if (most <= least * (1 + tolerance)) return;
  const named = (size: number) => arms[states.indexOf(size)]!.name;
  throw new RequestError(
    `study: decoding carries ${most.toLocaleString("en-US")} numbers for ${named(most)} and ${least.toLocaleString("en-US")} ` +
      `for ${named(least)}, ${least === 0 ? "which has none" : `${percent(most / least - 1)} more`}; expected within ` +
      `${percent(tolerance)}: change the arms, equal.tolerance or equal.state`,
  );
}
