// A model in the formats of other programs: ONNX and safetensors, as the parts of a file. Knows no folder.
// B batch, T length, V vocabulary.
import type { Architecture } from "../architecture/architecture.ts";
import { forward, inputType } from "../architecture/forward.ts";
import type { NumericArray } from "../backend/machine.ts";
import { encodeOnnx } from "../backend/onnx/format.ts";
import { printOnnx } from "../backend/onnx/print.ts";
import type { TokenizerDescription } from "../data/tokenizer.ts";
import { RequestError } from "../errors.ts";
import { inputSource, type Parameters } from "../nn/parameters.ts";
import type { PyTorchName } from "../nn/pytorch/names.ts";
import { input } from "../tensor/ops/leaf.ts";
import { program } from "../tensor/program.ts";
import { type Shape, sameShape } from "../tensor/tensor.ts";
import { packageVersion } from "../version.ts";
import type { ImageSettings } from "./imageSettings.ts";
import { encodeSafetensors, type StoredTensor } from "./safetensors.ts";

/** Everything of a model that goes into a file. */
export interface ExportedModel {
  readonly architecture: Architecture;
  /** Null where it does not read text. */
  readonly tokenizer: TokenizerDescription | null;
  /** How images become its numbers; null, the default, where it does not see images. */
  readonly images?: ImageSettings | null;
  /** Updates the weights have had. */
  readonly step: number;
  /** Parameters under their names. */
  readonly weights: ReadonlyMap<string, { readonly shape: Shape; readonly values: NumericArray }>;
}

/** How many tokens an ONNX model takes at once; fixed in its file. */
export interface OnnxShape {
  /** B, default 1. */
  readonly batch?: number | undefined;
  /** T, default the architecture's length. */
  readonly length?: number | undefined;
}

const TOKENS = "tokens";
const PATCHES = "patches";
const LOGITS = "logits";

/**
 * The forward graph as an ONNX file: `tokens` i64 [B, T] to `logits` f32 [B, T, V] (nats, before the softmax), or where
 * the model takes N numbers at each place, `patches` f32 [B, T, N]. B and T are fixed in the file. Errors: RequestError for a length that the model has no parameters for, and for a model that
 * ONNX cannot express or hold.
 */
export function onnxFile(model: ExportedModel, shape: OnnxShape = {}): Uint8Array[] {
  const { batch = 1, length = model.architecture.length } = shape;
  const type = inputType(model.architecture, batch, length);
  const name = type.dtype === "i32" ? TOKENS : PATCHES;
  const source = inputSource();
  const logits = forward(lengthened(model.architecture, length), source, input(name, type.shape, type.dtype));
  requireSameParameters(model, source.declared, length);
  const onnx = printOnnx(program({ [LOGITS]: logits }), {
    name: "model",
    weights: new Map([...source.declared.keys()].map((name) => [name, model.weights.get(name)!.values])),
    wide: new Set([TOKENS]),
    metadata: metadataOf(model),
    producerVersion: packageVersion(),
  });
  return encodeOnnx(onnx);
}

/** The architecture for another length. What it knows of positions beyond its own, only some kinds of them say. */
function lengthened(architecture: Architecture, length: number): Architecture {
  if (length <= architecture.length) return architecture;
  if (architecture.positions === "learned") throw tooLong(architecture, length);
  return { ...architecture, length };
}

function requireSameParameters(
  { architecture, weights }: ExportedModel,
  asked: Parameters,
  length: number,
): void {
  for (const [name, { shape }] of asked) {
    const weight = weights.get(name);
    if (weight !== undefined && sameShape(shape, weight.shape)) continue;
    if (length > architecture.length) throw tooLong(architecture, length);
    const found = weight === undefined ? "missing" : `[${weight.shape}]`;
    throw new RequestError(`export: the weight "${name}" is ${found}; expected [${shape}]`);
  }
}

function tooLong(architecture: Architecture, length: number): RequestError {
  return new RequestError(
    `export: length ${length} is beyond the ${architecture.length} positions the model has learned; expected at most ` +
      `${architecture.length}`,
  );
}

/**
 * The weights as a safetensors file, under their names, or under those that a PyTorch file has for them. Errors: RequestError
 * for what its header cannot hold.
 */
export function safetensorsFile(
  model: ExportedModel,
  called?: ReadonlyMap<string, PyTorchName>,
): Uint8Array[] {
  const tensors = new Map<string, StoredTensor>();
  for (const [own, { shape, values }] of model.weights) {
    const { name, transposed } = called?.get(own) ?? { name: own, transposed: false };
    const kept = transposed ? transpose(values, shape) : Float32Array.from(values);
    const { buffer, byteOffset, byteLength } = kept;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    tensors.set(name, { dtype: "F32", shape: transposed ? shape.toReversed() : shape, bytes });
  }
  try {
    return encodeSafetensors(tensors, metadataOf(model));
  } catch (error) {
    if (error instanceof RangeError) throw new RequestError(`export: ${error.message}`);
    throw error;
  }
}

/** The matrix [K, P] as [P, K]. */
function transpose(values: NumericArray, [rows, columns]: Shape): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows!; row++) {
    for (let column = 0; column < columns!; column++) {
      turned[column * rows! + row] = values[row * columns! + column]!;
    }
  }
  return turned;
}

/** What a reader needs to build the model again and to make tokens of text, or patches of images. */
function metadataOf({ architecture, tokenizer, images, step }: ExportedModel): Record<string, string> {
  return {
    format: "scantling model 1",
    version: packageVersion(),
    step: String(step),
    architecture: JSON.stringify(architecture),
    ...(tokenizer === null ? {} : { tokenizer: JSON.stringify(tokenizer) }),
    ...(images == null ? {} : { images: JSON.stringify(imageMetadata(images)) }),
  };
}

function imageMetadata({ classes, height, width, channels, patch, mean, deviation }: ImageSettings) {
  return { classes, height, width, channels, patch, mean, deviation };
}
