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

test("every type of the format is read, in any order of the header, with any space around it", () => {
  const bytes = {
    ...{ F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1 },
    ...{ U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
  };
  let offset = 0;
  const entries = Object.entries(bytes).map(([dtype, size]) => {
    offset += 3 * size;
    return `"${dtype}": ${entry(offset - 3 * size, offset, [3, 1], dtype)}`;
  });
  const file = withHeader(`{ ${entries.reverse().join(",\n ")} }  \n `, offset);
  const read = decodeSafetensors(file);
  expect([...read.keys()]).toEqual(Object.keys(bytes));
  for (const [dtype, size] of Object.entries(bytes)) {
    expect(read.get(dtype)).toMatchObject({ dtype, shape: [3, 1] });
    expect(read.get(dtype)!.bytes.length).toBe(3 * size);
  }
});

test("numbers without axes and lists of nothing have their places", () => {
  const header = `{"none":${entry(4, 4, [0, 5])},"one":${entry(0, 4, [])},"no":${entry(0, 0, [0])}}`;
  expect([...decodeSafetensors(withHeader(header, 4)).keys()]).toEqual(["no", "one", "none"]);
});

test("nothing is copied: tensors are views of the file and of what was given", () => {
  const file = sample();
  for (const { bytes } of decodeSafetensors(file).values()) expect(bytes.buffer).toBe(file.buffer);
  const given = floats([1, 2]);
  expect(encodeSafetensors(new Map([["a", given]]))[1]).toBe(given.bytes);
});

test("tensors of several widths begin at multiples of their element's size", () => {
  const of = (dtype: StoredTensor["dtype"], size: number): StoredTensor => ({
    ...{ dtype, shape: [3], bytes: new Uint8Array(3 * size).fill(size) },
  });
  const tensors = new Map([
    ["bytes", of("U8", 1)],
    ["doubles", of("F64", 8)],
    ["halves", of("BF16", 2)],
    ["floats", of("F32", 4)],
  ]);
  const file = join(encodeSafetensors(tensors));
  const read = decodeSafetensors(file);
  expect([...read.keys()]).toEqual(["doubles", "floats", "halves", "bytes"]);
  for (const [name, { bytes }] of read) {
    expect(bytes.byteOffset % (tensors.get(name)!.bytes.length / 3)).toBe(0);
    expect(bytes).toEqual(tensors.get(name)!.bytes);
  }
});

test.each<[string, Map<string, StoredTensor>, string]>([
  ["bytes of another number", new Map([["a", { ...floats([1, 2]), shape: [3] }]]), "expected 12 for F32 [3]"],
  ["the name of the metadata", new Map([["__metadata__", floats([1])]]), "cannot be called __metadata__"],
])("%s: not written", (_, tensors, message) => {
  expect(() => encodeSafetensors(tensors)).toThrow(message);
});

test("metadata is allowed", () => {
  const file = withHeader(`{"__metadata__":{"format":"pt"},"a":${entry(0, 4)}}`, 4);
  expect([...decodeSafetensors(file).keys()]).toEqual(["a"]);
});

test("another reader, written from the format's description, reads what is written", () => {
  const metadata = { format: "pt", note: '"quoted"\nand ünïcode', ["__proto__"]: "harmless" };
  const name = fc.string({ unit: "grapheme", maxLength: 8 }).filter((text) => text !== "__metadata__");
  const names = fc.uniqueArray(name, { maxLength: 6 });
  fc.assert(
    fc.property(names, fc.array(fc.nat(3), { maxLength: 3 }), fc.boolean(), (list, shape, described) => {
      const elements = shape.reduce((product, size) => product * size, 1);
      const tensors = new Map(list.map((key, i) => [key, floats(Array(elements).fill(i), shape)]));
      const read = readPlainly(join(encodeSafetensors(tensors, described ? metadata : {})));
      expect(read.metadata).toEqual(described ? { ...metadata } : undefined);
      expect(read.tensors).toEqual(
        list.map((key, i) => ({ name: key, dtype: "F32", shape, values: Array(elements).fill(i) })),
      );
    }),
    { seed: 3, numRuns: 100 },
  );
});

/** A reader of F32 files as the format's description has it, and nothing more. */
function readPlainly(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset);
  const size = view.getUint32(0, true);
  expect(view.getUint32(4, true)).toBe(0);
  expect(String.fromCharCode(file[8]!)).toBe("{");
  const text = Buffer.from(file.subarray(8, 8 + size)).toString("utf8");
  expect(text).toMatch(/\} {0,7}$/);
  const { __metadata__: metadata, ...header } = JSON.parse(text);
  const tensors = Object.entries(header).map(([name, value]) => {
    const { dtype, shape, data_offsets } = value as {
      dtype: string;
      shape: number[];
      data_offsets: number[];
    };
    const values: number[] = [];
    for (let at = data_offsets[0]!; at < data_offsets[1]!; at += 4) {
      values.push(view.getFloat32(8 + size + at, true));
    }
    return { name, dtype, shape, values, begin: data_offsets[0]! };
  });
  tensors.sort((a, b) => a.begin - b.begin);
  return { metadata, tensors: tensors.map(({ begin: _, ...tensor }) => tensor) };
}

describe("refused", () => {
  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "expected at least 8"],
    ["a header longer than the file", withHeader("{}", 0).fill(255, 0, 8), "its header claims"],
    ["a header that is not JSON", withHeader("{a", 0), "not JSON"],
    ["a header that is not UTF-8", withHeader("{}", 0).fill(0xff, 9), "not UTF-8"],
    ["a header that begins with a byte order mark", withHeader("\ufeff{}", 0), "not an object"],
    ["no header", withHeader("", 0), "not an object"],
    ["a header nested too deep", withHeader(`{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, 0), "nested more"],
    ["a tensor that is no object", withHeader('{"a":[0]}', 0), 'tensor "a": expected an object, got [0]'],
    [
      "a tensor without a shape",
      withHeader('{"a":{"dtype":"U8","data_offsets":[0,0]}}', 0),
      "shape is undefined",
    ],
    ["a type from the prototype", withHeader(`{"a":${entry(0, 4, [1], "constructor")}}`, 4), "dtype is"],
    [
      "a key from the prototype",
      withHeader('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"__proto__":{}}}', 0),
      'unknown key "__proto__"',
    ],
    [
      "inherited keys",
      withHeader('{"a":{"__proto__":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}}', 0),
      'unknown key "__proto__"',
    ],
    ["metadata that is no object", withHeader('{"__metadata__":["pt"]}', 0), "expected an object of texts"],
    [
      "metadata that is no text",
      withHeader('{"__metadata__":{"format":1}}', 0),
      "expected an object of texts",
    ],
    ["metadata twice", withHeader('{"__metadata__":{},"__metadata__":{}}', 0), "twice"],
    ["a text of the metadata twice", withHeader('{"__metadata__":{"a":"1","a":"2"}}', 0), "twice"],
    [
      "a dtype twice",
      withHeader('{"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}', 0),
      "twice",
    ],
    [
      "three offsets",
      withHeader('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}', 0),
      "data_offsets is [0,0,0]",
    ],
    [
      "an offset beyond exact numbers",
      withHeader('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,9007199254740993]}}', 0),
      "data_offsets is",
    ],
    [
      "a size beyond exact numbers, of nothing",
      withHeader(`{"a":${entry(0, 0, [2 ** 53 - 1, 2, 0])}}`, 0),
      "beyond any file",
    ],
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
      "beyond any file",
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
    ["the same name twice", withHeader(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, 8), 'the key "a" twice'],
    [
      "the same name twice, once escaped",
      withHeader(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, 8),
      "twice",
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
