// Safetensors files: headers that lie about names, types, shapes and places.
import { mutateBytes, mutateValue, write } from "../mutate.js";

export const description = "safetensors files (decodeSafetensors)";
/** What the function is documented to throw; whoever reads a checkpoint makes a WorkError of it. */
export const expected = ["RangeError"];

const types = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

/** @param {import("../random.js").Random} random */
export function generate(random) {
  /** @type {Record<string, unknown>} */
  const header = {};
  let offset = 0;
  for (let i = random.integer(6); i > 0; i--) {
    const dtype = random.pick(/** @type {(keyof typeof types)[]} */ (Object.keys(types)));
    const shape = Array.from({ length: random.integer(4) }, () => random.integer(4));
    const size = shape.reduce((product, dimension) => product * dimension, types[dtype]);
    header[random.pick(["a", "b.c", `t${i}`, "constructor"])] = {
      dtype,
      shape,
      data_offsets: [offset, offset + size],
    };
    offset += size;
  }
  if (random.chance(0.2)) header.__metadata__ = { format: "pt" };
  const changed = random.chance(0.6) ? mutateValue(random, header) : header;
  let json = Buffer.from(write(changed) + " ".repeat(random.integer(9)));
  if (random.chance(0.3)) json = Buffer.from(mutateBytes(random, json));
  const file = Buffer.alloc(
    8 + json.length + offset + (random.chance(0.1) ? random.integer(20) : 0),
    random.integer(256),
  );
  file.writeBigUInt64LE(random.chance(0.9) ? BigInt(json.length) : lie(random), 0);
  json.copy(file, 8);
  return random.chance(0.2) ? mutateBytes(random, file) : new Uint8Array(file);
}

/** @param {import("../random.js").Random} random */
function lie(random) {
  return random.pick([
    0n,
    1n,
    7n,
    100_000_000n,
    100_000_001n,
    2n ** 31n,
    2n ** 32n,
    2n ** 53n,
    2n ** 63n,
    2n ** 64n - 1n,
  ]);
}

/** @param {(path: string) => Promise<any>} load a module of the library */
export async function prepare(load) {
  const { decodeSafetensors } = await load("train/safetensors");
  return (/** @type {Uint8Array} */ file) => check(file, decodeSafetensors);
}

/** @param {Uint8Array} file @param {(file: Uint8Array) => Map<string, { bytes: Uint8Array }>} decodeSafetensors */
function check(file, decodeSafetensors) {
  const tensors = decodeSafetensors(file);
  // Together the tensors are all that follows the header, each byte once.
  let at = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  for (const { bytes } of tensors.values()) {
    if (bytes.byteOffset - file.byteOffset !== at)
      throw new Error("a tensor is not where the one before it ends");
    at += bytes.length;
  }
  if (at !== file.length) throw new Error("the tensors are not the whole file");
}
