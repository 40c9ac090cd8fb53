// What tests of public folders share: the recorded folders, their logits by our networks, and copies to be spoiled.
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Architecture } from "../../src/architecture/architecture.ts";
import { forward, inputType } from "../../src/architecture/forward.ts";
import { createReference } from "../../src/backend/reference.ts";
import { openPublicModel, readParameters } from "../../src/hub/model.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { input } from "../../src/tensor/index.ts";

export const layoutNames = ["gpt2", "llama", "mistral", "qwen2", "vit"] as const;

export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

export const newFolder = (): string => join(mkdtempSync(join(tmpdir(), "scantling-hub-")), "folder");

/** A copy that may be changed. */
export function copyOf(name: string): string {
  const folder = newFolder();
  cpSync(fixture(name), folder, { recursive: true });
  return folder;
}

interface Expected {
  readonly inputs: number[][] | number[][][][];
  readonly logits: number[][][] | number[][];
}

export function expectedOf(name: string): Expected {
  return JSON.parse(readFileSync(join(fixture(name), "expected.json"), "utf8")) as Expected;
}

/** Logits of a network in float64. */
export function logitsOf(
  architecture: Architecture,
  values: ReadonlyMap<string, ArrayLike<number>>,
  numbers: readonly number[],
  batch: number,
  length: number,
): number[] {
  const source = inputSource();
  const type = inputType(architecture, batch, length);
  const logits = forward(architecture, source, input("tokens", type.shape, type.dtype));
  const store = createReference().createStore();
  store.allocate("tokens", type);
  store.write("tokens", numbers);
  for (const [name, { shape }] of source.declared) {
    store.allocate(name, { shape, dtype: "f32" });
    store.write(name, values.get(name)!);
  }
  createReference().load({ outputs: { logits }, updates: {} }).runSync(store);
  return [...store.read("logits")];
}

/** Images [B, C, H, W] as patches [B, N, P · P · C]. */
export function patchesOf(images: number[][][][], patch: number): number[] {
  return images.flatMap((image) => {
    const [height, width] = [image[0]!.length, image[0]![0]!.length];
    const out: number[] = [];
    for (let top = 0; top < height; top += patch) {
      for (let left = 0; left < width; left += patch) {
        for (let y = top; y < top + patch; y++) {
          for (let x = left; x < left + patch; x++) out.push(...image.map((channel) => channel[y]![x]!));
        }
      }
    }
    return out;
  });
}

/** Largest |difference| of a folder's logits from those recorded for a fixture. */
export function differenceFrom(folder: string, name: string): number {
  const { inputs, logits } = expectedOf(name);
  const model = openPublicModel(folder);
  const values = new Map(model.tensors.flatMap((tensor) => [...readParameters(tensor)]));
  model.close();
  const numbers = name === "vit" ? patchesOf(inputs as number[][][][], 2) : (inputs as number[][]).flat();
  const length = name === "vit" ? 9 : (inputs as number[][])[0]!.length;
  const found = logitsOf(model.architecture, values, numbers, inputs.length, length);
  const expected = (logits as number[][][]).flat(2);
  return Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)));
}
