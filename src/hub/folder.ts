// A public folder on disk: config.json and tensors in safetensors files, one or several with an index. Everything is checked
// before it is used, and tensors are read by place. Knows no layout.
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { RequestError } from "../errors.ts";
import { isFolder } from "../folders.ts";
import { InputFileError, largest, readInputFile } from "../inputFile.ts";
import { isObject, parseJson } from "../json.ts";
import { show } from "../strict.ts";
import { refusal } from "../train/files.ts";
import { decodeHeader, headerEnd, type PlacedTensor } from "../train/safetensors.ts";
import { isNumberType, type NumberType, numberTypes } from "./numbers.ts";

export const CONFIG = "config.json";
export const WEIGHTS = "model.safetensors";
export const INDEX = "model.safetensors.index.json";

/** A tensor in one of the files. */
export interface FolderTensor extends PlacedTensor {
  readonly dtype: NumberType;
  readonly file: string;
  /** Reads bytes from `at` on, counted from the tensor's first, until `into` is full. */
  read(at: number, into: Uint8Array): void;
}

/** A folder with what its files say, open for reading. */
export interface PublicFolder {
  readonly path: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, FolderTensor>;
  close(): void;
}

/** Whether a folder claims to be one of these: a run has a config.json as well, with a format of ours. */
export function isPublicFolder(folder: string): boolean {
  try {
    return existsSync(join(folder, CONFIG)) && "model_type" in readConfig(folder);
  } catch (error) {
    // What is damaged is told by whoever needs it.
    if (error instanceof RequestError) return false;
    throw error;
  }
}

/** Errors: RequestError, one line, for whatever is missing, damaged, or elsewhere than in the folder. */
export function openPublicFolder(path: string): PublicFolder {
  if (!isFolder(path)) throw new RequestError(`${path} is no folder; name one with a ${CONFIG}`);
  const config = readConfig(path);
  const opened: number[] = [];
  const close = () => {
    for (const file of opened.splice(0)) closeSync(file);
  };
  try {
    const index = readIndex(path);
    const files = index === null ? [WEIGHTS] : [...new Set(index.values())].sort();
    const tensors = new Map<string, FolderTensor>();
    for (const file of files) {
      for (const tensor of readTensors(join(path, file), opened)) {
        if (index !== null && index.get(tensor.name) !== file) {
          const place = index.get(tensor.name) ?? "nowhere";
          throw wrong(
            join(path, file),
            `it has the tensor ${show(tensor.name)}, which ${INDEX} says is in ${place}`,
          );
        }
        tensors.set(tensor.name, { ...tensor, file });
      }
    }
    for (const [name, file] of index ?? []) {
      if (!tensors.has(name))
        throw wrong(join(path, file), `${INDEX} names its tensor ${show(name)}, which it lacks`);
    }
    return { path, config, tensors, close };
  } catch (error) {
    close();
    throw error;
  }
}

function readConfig(folder: string): Readonly<Record<string, unknown>> {
  const path = join(folder, CONFIG);
  if (!existsSync(path))
    throw new RequestError(`${folder} has no ${CONFIG}; expected the folder of a public model`);
  return readObject(path);
}

function readObject(path: string): Record<string, unknown> {
  try {
    const value = parseJson(readInputFile(path, largest.settings).toString("utf8"));
    if (isObject(value)) return value;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof InputFileError) throw wrong(path, error.message);
    throw wrong(path, refusal(error) ?? "it cannot be read");
  }
  throw wrong(path, "it is not an object");
}

/** Which file each tensor is in; null: all in one. */
function readIndex(folder: string): Map<string, string> | null {
  const path = join(folder, INDEX);
  if (!existsSync(path)) {
    if (existsSync(join(folder, WEIGHTS))) return null;
    const pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"].find((name) =>
      existsSync(join(folder, name)),
    );
    if (pickled === undefined)
      throw new RequestError(`${folder} has neither ${WEIGHTS} nor ${INDEX}; expected one`);
    throw new RequestError(
      `${folder} has its weights in ${pickled}, a pickle, which can run any program; convert it to ${WEIGHTS} first`,
    );
  }
  const { weight_map: map } = readObject(path);
  if (!isObject(map) || Object.keys(map).length === 0)
    throw wrong(path, "its weight_map is not an object of file names");
  const found = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== "string" || !/^[A-Za-z0-9_][\w.-]{0,250}\.safetensors$/.test(file)) {
      throw wrong(
        path,
        `it says that ${show(name)} is in ${show(file)}; expected a .safetensors file in the folder`,
      );
    }
    if (!existsSync(join(folder, file))) throw wrong(path, `it names ${file}, which is missing`);
    found.set(name, file);
  }
  return found;
}

type Tensor = Omit<FolderTensor, "file">;

function readTensors(path: string, opened: number[]): Tensor[] {
  try {
    // Without waiting for whoever might write into a pipe.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    opened.push(file);
    const status = fstatSync(file);
    if (!status.isFile()) throw wrong(path, "it is not a file");
    const { size } = status;
    const first = new Uint8Array(Math.min(8, size));
    readAll(path, file, 0, first);
    const head = new Uint8Array(headerEnd(first, size));
    readAll(path, file, 0, head);
    return decodeHeader(head, size).map((tensor): Tensor => {
      const { name, dtype, from } = tensor;
      if (!isNumberType(dtype)) {
        throw wrong(path, `its tensor ${show(name)} is ${dtype}; expected ${numberTypes.join(", ")}`);
      }
      return { ...tensor, dtype, read: (at, into) => readAll(path, file, from + at, into) };
    });
  } catch (error) {
    if (error instanceof RangeError) throw wrong(path, error.message);
    const why = refusal(error);
    if (why === undefined) throw error;
    throw wrong(path, why);
  }
}

/** Systems read less than 2 GiB at a time. */
const ONE_READ = 2 ** 30;

function readAll(path: string, file: number, from: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const read = readSync(file, into, done, Math.min(ONE_READ, into.length - done), from + done);
    if (read === 0) throw wrong(path, "it became shorter while it was read");
    done += read;
  }
}

function wrong(path: string, why: string): RequestError {
  return new RequestError(`${path}: ${why}; get the folder again`);
}
