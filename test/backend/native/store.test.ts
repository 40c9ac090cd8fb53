// The store over C memory: one suite for both precisions.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NativeLibrary, openLibrary } from "../../../src/backend/native/library.ts";
import { createNativeStore, type NativeStore } from "../../../src/backend/native/store.ts";
import { type DType, sizeOf } from "../../../src/tensor/tensor.ts";
import { temporaryFolder, writeProbeSources } from "./probe/probe.ts";

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
  writeProbeSources(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([false, true])("double: %s", (double) => {
  let library: NativeLibrary;
  let store: NativeStore;
  beforeAll(async () => {
    const environment = { ...process.env, SCANTLING_CACHE: join(folder, "cache") };
    library = await openLibrary({ sources: folder, environment, double });
    store = createNativeStore(library);
  });

  it.each<[DType, string, readonly number[]]>([
    ["f32", double ? "Float64Array" : "Float32Array", [0.5, -1e30, Number.POSITIVE_INFINITY]],
    ["i32", "Int32Array", [-5, 2147483647, 0]],
    ["u32", "Uint32Array", [4294967295, 0, 7]],
    ["f16", "Uint16Array", [65535, 0, 7]],
    ["bf16", "Uint16Array", [65535, 0, 7]],
    ["bool", "Uint8Array", [1, 0, 1]],
  ])("holds %s as %s, zeros at first", (dtype, array, values) => {
    store.allocate(dtype, { shape: [1, 3], dtype });
    expect(store.type(dtype)).toEqual({ shape: [1, 3], dtype });
    expect(store.read(dtype).constructor.name).toBe(array);
    expect(Array.from(store.read(dtype))).toEqual([0, 0, 0]);
    store.write(dtype, values);
    const rounded = dtype === "f32" && !double ? values.map(Math.fround) : values;
    expect(Array.from(store.read(dtype))).toEqual(rounded);
    expect(store.address(dtype) % 64n).toBe(0n);
  });

  it("keeps a value that is allocated again, and refuses another type", () => {
    store.allocate("w", { shape: [2, 2], dtype: "f32" });
    store.write("w", [1, 2, 3, 4]);
    const view = store.read("w");
    store.allocate("w", { shape: [2, 2], dtype: "f32" });
    expect(store.read("w")).toBe(view);
    expect(Array.from(view)).toEqual([1, 2, 3, 4]);
    expect(() => store.allocate("w", { shape: [4], dtype: "f32" })).toThrow('"w" is f32 [2,2], not f32 [4]');
    expect(() => store.allocate("w", { shape: [2, 2], dtype: "i32" })).toThrow(
      '"w" is f32 [2,2], not i32 [2,2]',
    );
    expect(() => store.write("w", [1, 2, 3])).toThrow('"w" has 4 values, 3 were written');
  });

  it("holds scalars and empty values", () => {
    store.allocate("scalar", { shape: [], dtype: "f32" });
    store.write("scalar", [4]);
    expect(store.read("scalar")[0]).toBe(4);
    store.allocate("empty", { shape: [0, 3], dtype: "f32" });
    expect(store.read("empty")).toHaveLength(0);
  });

  it.each([[1], [70_000], [10_000_000]])("outlives the release of a value of %i elements", (size) => {
    store.allocate("gone", { shape: [size], dtype: "f32" });
    const stale = store.read("gone").fill(3);
    store.release("gone");
    expect(() => store.read("gone")).toThrow('the store holds no "gone"');
    expect(() => store.write("gone", [])).toThrow('the store holds no "gone"');
    expect(() => store.address("gone")).toThrow('the store holds no "gone"');
    expect(store.type("gone")).toBeUndefined();
    expect(store.names()).not.toContain("gone");
    expect([0, 3]).toContain(stale[size - 1]);
    stale.fill(1);
    store.release("gone");
    store.allocate("gone", { shape: [size], dtype: "f32" });
    expect(store.read("gone").every((value) => value === 0)).toBe(true);
    store.release("gone");
  });

  it("gives large values back to the system at once", () => {
    const shape = [16 << 20];
    store.allocate("large", { shape, dtype: "u32" });
    store.read("large").fill(1);
    const full = process.memoryUsage.rss();
    store.release("large");
    expect(process.memoryUsage.rss()).toBeLessThan(full - 3.5 * sizeOf(shape));
  });
});
