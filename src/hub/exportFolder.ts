// The model of a run as a public folder, where a layout has one for its architecture. Knows runs; which layout it is, is the
// layout's business.
import type { Architecture } from "../architecture/schema.ts";
import { createReference } from "../backend/reference.ts";
import { RequestError } from "../errors.ts";
import { expectedOneOf, show } from "../strict.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { type DamageListener, openModel } from "../train/model.ts";
import type { Config, Layout } from "./layout.ts";
import { layouts } from "./layouts.ts";
import { joinParameters, shapedTensors } from "./model.ts";
import { type NewTensor, requireFreePlace, writePublicFolder } from "./writeFolder.ts";

/** Which model to write, and where to. */
export interface ExportFolderOptions {
  /** The folder of a run. */
  readonly folder: string;
  /** The public folder. */
  readonly out: string;
  /** gpt2, llama, mistral, qwen2 or vit; default: the first that has the architecture. */
  readonly layout?: string | undefined;
  /** Default: the checkpoint with the lowest validation loss. */
  readonly checkpoint?: "best" | "last" | number | undefined;
  /** Told of a damaged checkpoint while an earlier one is written; without it, damage is an error. */
  readonly onDamaged?: DamageListener | undefined;
  /** Replace a public folder in `out`. */
  readonly force?: boolean | undefined;
}

/** The folder that was written. */
export interface ExportedFolder {
  readonly folder: string;
  readonly layout: string;
  readonly parameters: number;
  readonly bytes: number;
  /** Updates the weights have had. */
  readonly step: number;
}

/**
 * Writes the model of a run as a public folder in float32, whole or not at all; with its tokenizer.json where it has one.
 * Errors: RequestError where no layout has the architecture, and for a request that cannot be met; WorkError for damaged files
 * and for what the disk refuses.
 */
export async function exportFolder(options: ExportFolderOptions): Promise<ExportedFolder> {
  const { folder, out, checkpoint, onDamaged, force = false } = options;
  requireFreePlace(out, force);
  const { architecture, configuration, store, step } = openModel(
    createReference(),
    folder,
    checkpoint,
    onDamaged,
  );
  const { layout, config } = layoutFor(architecture, options.layout);
  const tensors = shapedTensors(layout, architecture).map(
    (tensor): NewTensor => ({
      name: tensor.name,
      dtype: "F32",
      shape: tensor.fileShape,
      numbers: () => [
        joinParameters(
          tensor,
          tensor.parts.map((part) => Float32Array.from(store.read(part))),
        ),
      ],
    }),
  );
  const { tokenizer } = configuration;
  const texts =
    tokenizer?.kind === "file" ? { "tokenizer.json": `${JSON.stringify(tokenizer.tokenizer)}\n` } : {};
  const bytes = await writePublicFolder(out, { config, tensors, texts }, { force });
  const parameters = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { folder: out, layout: layout.type, parameters, bytes, step };
}

function layoutFor(
  architecture: Architecture,
  wanted: string | undefined,
): { layout: Layout; config: Config } {
  const names = [...layouts.keys()];
  if (wanted !== undefined && !layouts.has(wanted)) {
    throw new RequestError(`export: layout is ${show(wanted)}; ${expectedOneOf(wanted, names)}`);
  }
  const refusals: string[] = [];
  for (const name of wanted === undefined ? names : [wanted]) {
    const layout = layouts.get(name)!;
    try {
      const settings = layout.config(architecture, {});
      const config = {
        architectures: [layout.model],
        model_type: layout.type,
        torch_dtype: "float32",
        ...settings,
      };
      return { layout, config };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      refusals.push(error.message);
    }
  }
  if (wanted !== undefined) throw new RequestError(`export: ${refusals[0]!}`);
  const whys = names.map((name, i) => `${name}: ${refusals[i]!.replace(/^.*?: /, "").split(";")[0]}`);
  throw new RequestError(
    `export: no public layout has this architecture (${whys.join("; ")}); export --to safetensors`,
  );
}
