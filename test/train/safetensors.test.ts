import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../../src/train/safetensors.ts";

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function floats(values: readonly number[], shape: readonly number[] = [values.length]): StoredTensor {
  return { dtype: "F32", shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

const sample = () =>
  join(
    encodeSafetensors(
      new Map([
        ["a", floats([1, 2, 3, 4], [2, 2])],
        ["b.c", floats([5])],
      ]),
    ),
  );

/** A file with this header text, a true length, and `size` bytes of elements. */
function withHeader(header: string, size: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + json.length + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const entry = (from: number, to: number, shape: unknown = [(to - from) / 4], dtype = "F32") =>
  JSON.stringify({ dtype, shape, data_offsets: [from, to] });

test("what is written is read, elements aligned to 8 bytes", () => {
  const name = fc.string({ minLength: 1 }).filter((text) => text !== "__metadata__");
  const tensor = fc.array(fc.float({ noNaN: true }), { maxLength: 5 }).map((values) => floats(values));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 5 }),
      (list) => {
        const tensors = new Map([...list, ["__proto__", floats([1])] as const]);
        const parts = encodeSafetensors(tensors);
        expect(parts[0]!.length % 8).toBe(0);
        const read = decodeSafetensors(join(parts));
        expect(new Set(read.keys())).toEqual(new Set(tensors.keys()));
        for (const [key, { shape, bytes }] of tensors) {
          expect(read.get(key)).toEqual({ dtype: "F32", shape, bytes });
        }
      },
    ),
    { seed: 1, numRuns: 50 },
  );
});

test("the layout of the published format", () => {
  const file = sample();
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  expect(JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)))).toEqual({
    a: { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] },
    "b.c": { dtype: "F32", shape: [1], data_offsets: [16, 20] },
  });
  expect(new Float32Array(file.slice(8 + length).buffer)).toEqual(Float32Array.of(1, 2, 3, 4, 5));
});

test("metadata is allowed", () => {
  const file = withHeader(`{"__metadata__":{"format":"pt"},"a":${entry(0, 4)}}`, 4);
  expect([...decodeSafetensors(file).keys()]).toEqual(["a"]);
});

describe("refused", () => {
  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "expected at least 8"],
    ["a header longer than the file", withHeader("{}", 0).fill(255, 0, 8), "its header claims"],
    ["a header that is not JSON", withHeader("{a", 0), "not JSON"],
    ["a header that is not UTF-8", withHeader("{}", 0).fill(0xff, 8), "not JSON"],
    ["a header that is a list", withHeader("[]", 0), "not an object"],
    ["an unknown type", withHeader(`{"a":${entry(0, 4, [1], "F31")}}`, 4), 'tensor "a": dtype'],
    ["a negative size", withHeader(`{"a":${entry(0, 4, [-1, -1])}}`, 4), 'tensor "a": shape'],
    ["a fractional offset", withHeader(`{"a":${entry(0.5, 4, [1])}}`, 4), 'tensor "a": data_offsets'],
    [
      "a further key",
      withHeader('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}', 4),
      'tensor "a"',
    ],
    ["another size than the shape's", withHeader(`{"a":${entry(0, 4, [2])}}`, 4), "expected 8 for F32 [2]"],
    [
      "a size beyond any number",
      withHeader(`{"a":${entry(0, 4, Array(30).fill(2 ** 53 - 1))}}`, 4),
      "expected Infinity",
    ],
    [
      "an end before its start",
      withHeader('{"a":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}}', 4),
      "begin at 0",
    ],
    [
      "overlapping tensors",
      withHeader(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12),
      "expected it to begin at 8",
    ],
    ["a hole", withHeader(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), "expected it to begin at 4"],
    [
      "the same name twice",
      withHeader(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, 8),
      "expected it to begin at 0",
    ],
    ["elements that are cut off", withHeader(`{"a":${entry(0, 8)}}`, 5), "ends at byte"],
    ["bytes left over", withHeader(`{"a":${entry(0, 4)}}`, 5), "1 bytes are left over"],
  ])("%s", (_, file, message) => {
    expect(() => decodeSafetensors(file)).toThrow(RangeError);
    expect(() => decodeSafetensors(file)).toThrow(message);
  });

  test("any change of one byte of the header is refused or changes no bounds", () => {
    const file = sample();
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), (place, value) => {
        const changed = file.slice();
        changed[place] = value;
        try {
          const tensors = decodeSafetensors(changed);
          const bytes = [...tensors.values()].reduce((total, tensor) => total + tensor.bytes.length, 0);
          expect(bytes).toBe(20);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});
