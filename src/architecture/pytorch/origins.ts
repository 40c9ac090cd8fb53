// How what primitives ask for comes about: which block has it, and what sources make of it. Knows no primitive and no source.
import { RequestError } from "../../errors.ts";
import { inputSource, type ParameterDeclaration, type Parameters } from "../../nn/parameters.ts";
import type { SourceForm } from "../../nn/pytorch/form.ts";
import type { SourceModule, SourceSurroundings } from "../../nn/sources/source.ts";
import { inOrder } from "../../nn/sources/sources.ts";
import { plainParameters, sourceSurroundings } from "../forward.ts";
import type { Architecture } from "../schema.ts";
import { sourceModules } from "../sources.ts";

/** What one source adds to the making of a matrix. */
export interface Step {
  readonly form: SourceForm;
  /** Stored parameters that it asks for besides the matrix below, in order. */
  readonly parameters: readonly string[];
}

/** Where a parameter comes from. */
export interface Origin {
  /** Whose it is below all steps: its own name, or that of an earlier block that shares it. */
  readonly owner: string;
  /** Whether numbers are stored under that name; else the first step makes them of others. */
  readonly isStored: boolean;
  /** What is made of it, the lowest first. */
  readonly steps: readonly Step[];
  /** Steps below the sharing of blocks; those above belong to the name alone. */
  readonly below: number;
}

/** A source as it stands in the constructor of the model: what computes, or what shares. */
export type PlacedSource = SourceForm | "sharing";

export interface Origins {
  readonly asked: Parameters;
  /** By the names that are asked for. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** From the lowest up, without those that nothing is made by. */
  readonly sources: readonly PlacedSource[];
}

/** Errors: RequestError for a source without a PyTorch form. */
export function originsOf(architecture: Architecture): Origins {
  const asked = plainParameters(architecture);
  const surroundings = sourceSurroundings(architecture);
  const views = inOrder(sourceModules(architecture.sources)).map((module) => viewOf(module, surroundings));
  const origins = new Map([...asked].map(([name, declaration]) => [name, origin(views, name, declaration)]));
  const used = new Set([...origins.values()].flatMap(({ steps }) => steps.map(({ form }) => form)));
  const isShared = [...origins].some(([name, { owner }]) => owner !== name);
  const sharing = isShared ? views.find(({ form }) => form === undefined) : undefined;
  const sources = views.flatMap((view): PlacedSource[] => {
    if (view === sharing) return ["sharing"];
    return view.form !== undefined && used.has(view.form) ? [view.form] : [];
  });
  return { asked, origins, sources };
}

/** What a source gives for a name: what it is the same as, else undefined; and what was asked for it below. */
interface View {
  readonly name: string;
  readonly form: SourceForm | undefined;
  ask(
    name: string,
    declaration: ParameterDeclaration,
  ): { same: string | undefined; below: readonly string[] };
}

function viewOf(module: SourceModule, surroundings: SourceSurroundings): View {
  const source = inputSource();
  const below: string[] = [];
  const watched = {
    parameter(name: string, declaration: ParameterDeclaration) {
      below.push(name);
      return source.parameter(name, declaration);
    },
  };
  const seen = module.wrap(surroundings, watched, watched);
  return {
    name: module.name,
    form: module.pytorch?.(),
    ask(name, declaration) {
      below.length = 0;
      const given = seen.parameter(name, declaration);
      return { same: below.find((other) => source.tensors.get(other) === given), below: [...below] };
    },
  };
}

/** From the highest source down to what is stored. */
function origin(views: readonly View[], name: string, declaration: ParameterDeclaration): Origin {
  const steps: Step[] = [];
  let [owner, isStored, above] = [name, true, 0];
  for (const { name: source, form, ask } of views.toReversed()) {
    const { same, below } = ask(owner, declaration);
    if (same !== undefined) {
      if (same !== owner) above = steps.length;
      owner = same;
      continue;
    }
    if (form === undefined) throw withoutForm(source);
    const parameters = below.filter((other) => other !== owner);
    steps.unshift({ form, parameters });
    isStored = below.includes(owner);
    if (!isStored) break;
  }
  return { owner, isStored, steps, below: steps.length - above };
}

function withoutForm(source: string): RequestError {
  return new RequestError(`export: source ${source} has no PyTorch form; leave it out, or export --to onnx`);
}
