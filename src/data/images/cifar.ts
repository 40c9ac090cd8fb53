// The binary format of CIFAR-10 and CIFAR-100: records of one or two labels and an image, one plane of pixels a channel.
// Format: Krizhevsky, "Learning multiple layers of features from tiny images", 2009, and the data's own page.

import { RequestError } from "../../errors.ts";
import { checkLabels, type LabelledImages, labelled } from "./images.ts";

export const cifarSize = { height: 32, width: 32, channels: 3 } as const;
const PIXELS = 32 * 32;

/**
 * Files of records, one after the other. `labelBytes`: 1 (CIFAR-10) or 2, of which the last, the fine one, counts.
 * Errors: RequestError for files that do not hold whole records and labels beyond the classes.
 */
export function readCifar(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  { labelBytes, classes }: { readonly labelBytes: 1 | 2; readonly classes: number },
): LabelledImages {
  const record = labelBytes + 3 * PIXELS;
  for (const { name, bytes } of files) {
    if (bytes.length > 0 && bytes.length % record === 0) continue;
    throw new RequestError(
      `data: ${name} has ${bytes.length} bytes; expected records of ${record}: the file is damaged, fetch it again`,
    );
  }
  const count = files.reduce((total, { bytes }) => total + bytes.length / record, 0);
  const pixels = new Uint8Array(count * 3 * PIXELS);
  const labels = new Uint16Array(count);
  let image = 0;
  for (const { name, bytes } of files) {
    const first = image;
    for (let at = 0; at < bytes.length; at += record, image++) {
      labels[image] = bytes[at + labelBytes - 1]!;
      for (let channel = 0; channel < 3; channel++) {
        const plane = at + labelBytes + channel * PIXELS;
        for (let i = 0; i < PIXELS; i++) pixels[(image * PIXELS + i) * 3 + channel] = bytes[plane + i]!;
      }
    }
    checkLabels(name, labels.subarray(first, image), classes);
  }
  return labelled(files[0]!.name, cifarSize, pixels, labels);
}
