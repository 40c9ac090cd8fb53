// A public folder as one of our networks: its layout, its architecture, and which tensor holds which parameters. Reads numbers
// on request, one tensor at a time.
import { defineArchitecture } from "../architecture/architecture.ts";
import type { Architecture } from "../architecture/schema.ts";
import { RequestError } from "../errors.ts";
import { storedParameters } from "../growth/plan.ts";
import type { FloatNumbers } from "../growth/tensor.ts";
import type { Parameters } from "../nn/parameters.ts";
import { show } from "../strict.ts";
import { type Shape, sameShape, sizeOf } from "../tensor/tensor.ts";
import { CONFIG, type FolderTensor, openPublicFolder, type PublicFolder } from "./folder.ts";
import { configKeys, type Layout, type LayoutTensor } from "./layout.ts";
import { layoutOf } from "./layouts.ts";
import { asBytes, bytesOf, storedArray, toFloats } from "./numbers.ts";

/** A tensor of a layout with the shapes of what it holds. */
export interface ShapedTensor extends LayoutTensor {
  /** Of each of its parts. */
  readonly shapes: readonly Shape[];
  /** As a matrix in the file; a vector is one row. */
  readonly rows: number;
  readonly columnCount: number;
  /** In the file. */
  readonly fileShape: Shape;
}

/** A tensor with where its numbers are. */
export interface ModelTensor extends ShapedTensor {
  readonly stored: FolderTensor;
}

/** A public network, open for reading. */
export interface PublicModel {
  readonly folder: PublicFolder;
  readonly layout: Layout;
  readonly architecture: Architecture;
  readonly tensors: readonly ModelTensor[];
  /** Whether the names in its files begin with the layout's prefix. */
  readonly hasPrefix: boolean;
  close(): void;
}

/**
 * Opens a folder of a known layout and checks that it holds what its configuration says, no more and no less. Reads no numbers.
 * Errors: RequestError, one line.
 */
export function openPublicModel(path: string): PublicModel {
  const folder = openPublicFolder(path);
  try {
    const layout = layoutOf(path, folder.config);
    const architecture = architectureOf(folder, layout);
    const hasPrefix = [...folder.tensors.keys()].some((name) => name.startsWith(layout.prefix));
    const tensors = shapedTensors(layout, architecture).map((tensor): ModelTensor => {
      const name = fileName(layout, hasPrefix, tensor.name);
      const stored = folder.tensors.get(name);
      if (stored === undefined)
        throw new RequestError(`${path}: its tensor ${name} is missing; get the folder again`);
      if (sameShape(stored.shape, tensor.fileShape)) return { ...tensor, stored };
      throw new RequestError(
        `${path}/${stored.file}: ${name} is [${stored.shape}]; expected [${tensor.fileShape}], as ${CONFIG} says`,
      );
    });
    const known = new Set(tensors.map(({ stored }) => stored.name));
    const extra = [...folder.tensors.keys()].find((name) => !known.has(name) && !layout.ignored?.test(name));
    if (extra !== undefined) {
      const { file } = folder.tensors.get(extra)!;
      throw new RequestError(
        `${path}/${file}: ${layout.model} has no tensor ${show(extra)}; expected those of ${CONFIG}`,
      );
    }
    return { folder, layout, architecture, tensors, hasPrefix, close: folder.close };
  } catch (error) {
    folder.close();
    throw error;
  }
}

/** The name of a tensor in files that have the layout's prefix, or not. */
export function fileName({ prefix }: Layout, hasPrefix: boolean, name: string): string {
  return !hasPrefix && name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function architectureOf({ path, config }: PublicFolder, layout: Layout): Architecture {
  const where = `${path}/${CONFIG}`;
  const input = layout.architecture(configKeys(where, config));
  try {
    return defineArchitecture(input);
  } catch (error) {
    if (error instanceof RequestError) throw new RequestError(`${where}: ${error.message}`);
    throw error;
  }
}

/** The tensors of an architecture in a layout, in order. */
export function shapedTensors(layout: Layout, architecture: Architecture): ShapedTensor[] {
  const parameters = storedParameters(architecture);
  const tensors = layout.tensors(architecture).map((tensor) => shapedTensor(tensor, parameters));
  const held = new Set(tensors.flatMap(({ parts }) => parts));
  const lost = [...parameters.keys()].find((name) => !held.has(name));
  if (lost !== undefined) throw new RangeError(`layout ${layout.type}: no tensor holds ${lost}`);
  return tensors;
}

function shapedTensor(tensor: LayoutTensor, parameters: Parameters): ShapedTensor {
  const shapes = tensor.parts.map((part) => parameters.get(part)!.shape);
  const long = shapes.reduce((sum, shape) => sum + shape.at(-1)!, 0);
  const isVector = shapes[0]!.length === 1;
  const across = isVector ? 1 : shapes[0]![0]!;
  const [rows, columnCount] = tensor.transposed ? [long, across] : [across, long];
  const matrix = isVector ? [long] : [rows, columnCount];
  return { ...tensor, shapes, rows, columnCount, fileShape: tensor.shape?.(matrix) ?? matrix };
}

/** Rows that are read at a time, in numbers. */
const SLAB_NUMBERS = 2 ** 22;
/** Rows that are turned into columns at a time. */
const TILE = 32;

/**
 * The parameters that a tensor holds, each row-major in its own shape, read a few rows at a time.
 * @param room gives the memory that a parameter is written to; default: new
 */
export function readParameters(
  tensor: ModelTensor,
  room: (name: string, size: number) => FloatNumbers = (_, size) => new Float32Array(size),
): Map<string, FloatNumbers> {
  const { stored, parts, shapes, rows, columnCount } = tensor;
  const values = parts.map((part, i) => room(part, sizeOf(shapes[i]!)));
  const most = Math.max(1, Math.floor(SLAB_NUMBERS / Math.max(1, columnCount)));
  const slab = storedArray(stored.dtype, Math.min(most, rows) * columnCount);
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    const numbers = slab.subarray(0, count * columnCount);
    stored.read(bytesOf[stored.dtype] * first * columnCount, asBytes(numbers));
    placeRows(tensor, toFloats(stored.dtype, numbers), first, values);
  }
  return new Map(parts.map((part, i) => [part, values[i]!]));
}

/** Puts rows of a tensor, from `first` on, where they are in its parameters. */
function placeRows(
  { transposed, columnCount, columns, shapes }: ShapedTensor,
  matrix: Float32Array,
  first: number,
  values: readonly FloatNumbers[],
): void {
  const count = matrix.length / columnCount;
  let start = 0;
  shapes.forEach((shape, i) => {
    const out = values[i]!;
    const length = shape.at(-1)!;
    if (!transposed) {
      for (let row = 0; row < count; row++) {
        const at = row * columnCount + start;
        out.set(matrix.subarray(at, at + length), (first + row) * length);
      }
    } else {
      const last = Math.min(count, start + length - first);
      for (let tile = Math.max(0, start - first); tile < last; tile += TILE) {
        const end = Math.min(last, tile + TILE);
        for (let column = 0; column < columnCount; column++) {
          const to = (columns?.[column] ?? column) * length + first - start;
          for (let row = tile; row < end; row++) out[to + row] = matrix[row * columnCount + column]!;
        }
      }
    }
    start += length;
  });
}

/** The numbers of a tensor as its file has them, from the parameters that it holds. */
export function joinParameters(tensor: ShapedTensor, values: readonly Float32Array[]): Float32Array {
  if (isWhole(tensor)) return values[0]!;
  const matrix = new Float32Array(tensor.rows * tensor.columnCount);
  let start = 0;
  tensor.shapes.forEach((shape, i) => {
    const part = values[i]!;
    forPlaces(tensor, shape, start, (at, place) => {
      matrix[at] = part[place]!;
    });
    start += shape.at(-1)!;
  });
  return matrix;
}

function isWhole({ transposed, parts, columns }: ShapedTensor): boolean {
  return !transposed && parts.length === 1 && columns === undefined;
}

/** Calls `visit` with each place of a part in the tensor, and in the parameter. `start`: where the part's columns begin. */
function forPlaces(
  { transposed, columnCount, columns }: ShapedTensor,
  shape: Shape,
  start: number,
  visit: (at: number, place: number) => void,
): void {
  const length = shape.at(-1)!;
  const across = shape.length === 1 ? 1 : shape[0]!;
  if (!transposed) {
    for (let row = 0; row < across; row++) {
      for (let column = 0; column < length; column++) {
        visit(row * columnCount + start + column, row * length + column);
      }
    }
    return;
  }
  for (let row = 0; row < length; row++) {
    for (let column = 0; column < across; column++) {
      visit((start + row) * columnCount + column, (columns?.[column] ?? column) * length + row);
    }
  }
}
