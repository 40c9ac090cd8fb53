// What a run trains on, loaded again as its configuration tells. Knows no loop and no machine.
import { loadDataset } from "../data/dataset.ts";
import type { DataFolders } from "../data/text.ts";
import { restoreTokenizer } from "../data/tokenizer.ts";
import { RequestError } from "../errors.ts";
import { imageRunData, reloadImages } from "./imageRun.ts";
import { describeTokens, type RunData, textRunData } from "./runData.ts";
import { isImages, type RunConfiguration } from "./runFolder.ts";

/** Errors: RequestError where it cannot be had, or is not what it was. */
export async function reloadData(
  configuration: RunConfiguration,
  { folder, dataFolder }: { readonly folder: string; readonly dataFolder?: DataFolders | undefined },
): Promise<RunData> {
  const { data, tokenizer, training } = configuration;
  const remedy = "restore it, or start a new run";
  if (isImages(data)) {
    const images = await reloadImages(data, dataFolder, folder, remedy);
    return imageRunData(images, data, training);
  }
  const dataset = await loadDataset({
    data: data.data ?? undefined,
    dataFolder,
    validationFraction: data.validationFraction ?? undefined,
    ...(data.data === null ? {} : { restored: restoreTokenizer(tokenizer) }),
  });
  if (describeTokens(dataset).sha256 === data.sha256) return textRunData(dataset, configuration);
  throw new RequestError(`data: ${data.name} is not what the run in ${folder} was trained on; ${remedy}`);
}
