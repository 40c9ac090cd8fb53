// A folder of PNG and JPEG files, one folder a class, as images of one size. Knows no archive.

import { join } from "node:path";
import { RequestError } from "../../errors.ts";
import { largest, readInputFile } from "../../inputFile.ts";
import { reason } from "../readText.ts";
import { classesIn, filesIn, partFolder } from "./classFolders.ts";
import { describeSize, type ImageParts, type LabelledImages, labelled, MOST_CLASSES } from "./images.ts";
import { decodeJpeg, isJpeg } from "./jpeg.ts";
import type { Picture } from "./picture.ts";
import { decodePng, isPng } from "./png.ts";

const MOST_FILES = 2 ** 22;
const LARGEST_FILE = 2 ** 26;
/** Bad images that a message names; the rest are counted. */
const MOST_NAMED = 3;

export interface FolderOptions {
  /** Leave out images that cannot be read or have another size than most, and say how many. */
  readonly skipBad: boolean;
}

/**
 * CLASS/FILE, or train/CLASS/FILE with `val` and `test` beside it. Classes are in the order of their names. Where all
 * images are grey they have one channel, else three. Errors: RequestError for images that cannot be read or have another
 * size than most (named and counted, unless they are skipped), and for parts with other classes than the training part.
 */
export function readImageFolder(folder: string, name: string, { skipBad }: FolderOptions): ImageParts {
  const training = partFolder(folder, "training");
  const classes = classesIn(training ?? folder);
  if (classes.length < 2 || classes.length > MOST_CLASSES) {
    throw new RequestError(
      `data: ${training ?? folder} has ${classes.length} folders with PNG or JPEG files; expected one for each class, 2 ` +
        `to ${MOST_CLASSES}`,
    );
  }
  const bad: Bad[] = [];
  const budget = { bytes: largest.content, files: MOST_FILES };
  const read = (path: string): Found[] => readPart(path, classes, budget, bad);
  const parts = {
    training: read(training ?? folder),
    validation: optional(partFolder(folder, "validation"), training, read),
    test: optional(partFolder(folder, "test"), training, read),
  };
  const all = [...parts.training, ...(parts.validation ?? []), ...(parts.test ?? [])];
  const size = commonSize(all);
  for (const { path, picture } of all) {
    if (size === undefined || sizeKey(picture) === sizeKey(size)) continue;
    bad.push({
      path,
      why: `${picture.height} x ${picture.width} where most are ${size.height} x ${size.width}`,
    });
  }
  const described = describeBad(bad, all.length + bad.filter(({ isUnreadable }) => isUnreadable).length);
  if (bad.length > 0 && !skipBad) {
    throw new RequestError(
      `data: ${folder}: ${described}; mend or remove them, or have them skipped (--skip-images)`,
    );
  }
  if (size === undefined)
    throw new RequestError(`data: ${folder}: no image can be read; name another folder`);
  const channels = all.every(({ picture }) => picture.channels === 1) ? 1 : 3;
  const pack = (found: Found[] | undefined): LabelledImages | undefined =>
    found && packed(folder, found, { height: size.height, width: size.width, channels });
  return {
    name,
    classes,
    training: pack(parts.training)!,
    validation: pack(parts.validation),
    test: pack(parts.test),
    notes: bad.length === 0 ? [] : [`${described}; skipped`],
  };
}

interface Found {
  readonly path: string;
  readonly label: number;
  readonly picture: Picture;
}

interface Bad {
  readonly path: string;
  readonly why: string;
  readonly isUnreadable?: boolean;
}

function optional(
  path: string | undefined,
  training: string | undefined,
  read: (path: string) => Found[],
): Found[] | undefined {
  return path === undefined || training === undefined ? undefined : read(path);
}

function readPart(
  folder: string,
  classes: readonly string[],
  budget: { bytes: number; files: number },
  bad: Bad[],
): Found[] {
  const present = new Set(classesIn(folder));
  const other = [...present].find((name) => !classes.includes(name));
  if (other !== undefined) {
    throw new RequestError(
      `data: ${join(folder, other)} is a class that the training images do not have; expected one of ` +
        `${classes.slice(0, 8).join(", ")}${classes.length > 8 ? " ..." : ""}`,
    );
  }
  const found: Found[] = [];
  for (const [label, name] of classes.entries()) {
    for (const file of present.has(name) ? filesIn(join(folder, name)) : []) {
      const path = join(folder, name, file);
      budget.files--;
      if (budget.files < 0) throw new RequestError(`data: ${folder} has more than ${MOST_FILES} images`);
      try {
        const picture = decodePicture(path);
        found.push({ path, label, picture });
        // Three values a pixel, whatever it has now.
        budget.bytes -= 3 * picture.width * picture.height;
      } catch (error) {
        bad.push({ path, why: reason(error), isUnreadable: true });
      }
      if (budget.bytes < 0) {
        throw new RequestError(
          `data: the images of ${folder} have more than ${largest.content} bytes of pixels`,
        );
      }
    }
  }
  return found;
}

function decodePicture(path: string): Picture {
  const bytes = readInputFile(path, LARGEST_FILE);
  if (isPng(bytes)) return decodePng(bytes);
  if (isJpeg(bytes)) return decodeJpeg(bytes);
  throw new Error("it is neither PNG nor JPEG");
}

const sizeKey = ({ height, width }: { height: number; width: number }): string => `${height} x ${width}`;

/** The size that most images have; of equally many the first. */
function commonSize(found: readonly Found[]): Picture | undefined {
  const counts = new Map<string, { count: number; picture: Picture }>();
  for (const { picture } of found) {
    const known = counts.get(sizeKey(picture));
    if (known === undefined) counts.set(sizeKey(picture), { count: 1, picture });
    else known.count++;
  }
  return [...counts.values()].reduce<{ count: number; picture: Picture } | undefined>(
    (most, next) => (most === undefined || next.count > most.count ? next : most),
    undefined,
  )?.picture;
}

function describeBad(bad: readonly Bad[], of: number): string {
  const named = bad.slice(0, MOST_NAMED).map(({ path, why }) => `${path} (${why})`);
  const more = bad.length > MOST_NAMED ? ` and ${bad.length - MOST_NAMED} more` : "";
  return `${bad.length} of ${of} images cannot be used: ${named.join(", ")}${more}`;
}

function packed(
  source: string,
  found: readonly Found[],
  size: { readonly height: number; readonly width: number; readonly channels: number },
): LabelledImages {
  const kept = found.filter(({ picture }) => sizeKey(picture) === sizeKey(size));
  if (kept.length === 0) {
    throw new RequestError(`data: ${source} has a part without images of ${describeSize(size)}; add some`);
  }
  const { channels } = size;
  const area = size.height * size.width;
  const pixels = new Uint8Array(kept.length * area * channels);
  kept.forEach(({ picture }, image) => {
    const into = pixels.subarray(image * area * channels, (image + 1) * area * channels);
    if (picture.channels === channels) into.set(picture.pixels);
    else for (let i = 0; i < into.length; i++) into[i] = picture.pixels[Math.floor(i / 3)]!;
  });
  return labelled(
    source,
    size,
    pixels,
    Uint16Array.from(kept, ({ label }) => label),
  );
}
