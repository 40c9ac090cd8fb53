// Checkpoints: manifests and tensor files whose hashes fit, so that nothing but the reader stands in their way.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mutateBytes, mutateValue, write } from "../mutate.js";
import { generate as generateTensors } from "./safetensors.js";

export const description = "checkpoints (readCheckpoint)";

const sha256 = (/** @type {string | Uint8Array} */ content) =>
  createHash("sha256").update(content).digest("hex");

/** @typedef {{ manifest: Uint8Array, files: Uint8Array[] }} Input */

/** @param {import("../random.js").Random} random @returns {Input} */
export function generate(random) {
  const files = [0, 1].map(() => (random.chance(0.5) ? generateTensors(random) : sound()));
  const described = files.map((file) => ({ bytes: file.length, sha256: sha256(file) }));
  const state = {
    ...{ format: "scantling checkpoint 2", configuration: "0".repeat(64), step: 3, complete: true },
    ...{ best: { step: 2, loss: 1.5 }, backend: "native", identity: "one" },
    files: { "model.safetensors": described[0], "optimizer.safetensors": described[1] },
  };
  const changed = /** @type {object} */ (random.chance(0.4) ? mutateValue(random, state) : state);
  let manifest = Buffer.from(write(changed));
  if (manifest.at(-1) === 0x7d) {
    manifest = Buffer.concat([manifest.subarray(0, -1), Buffer.from(`,"sha256":"${sha256(manifest)}"}`)]);
  }
  return { manifest: random.chance(0.2) ? mutateBytes(random, manifest) : manifest, files };
}

function sound() {
  const header = Buffer.from('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(8)]);
}

/** @param {(path: string) => Promise<any>} load a module of the library @param {string} folder */
export async function prepare(load, folder) {
  const { readCheckpoint } = await load("train/checkpoint");
  return (/** @type {Input} */ input) => {
    writeFiles(input, folder);
    readCheckpoint(folder, 3);
  };
}

/** Writes the checkpoint of step 3. @param {Input} input @param {string} folder */
function writeFiles({ manifest, files }, folder) {
  const place = join(folder, "3");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "manifest.json"), manifest);
  ["model.safetensors", "optimizer.safetensors"].forEach((name, i) => {
    writeFileSync(join(place, name), /** @type {Uint8Array} */ (files[i]));
  });
}
