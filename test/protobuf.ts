// Reads protobuf messages without their descriptions: a second implementation for tests of what is written.

/** A varint, or the bytes of anything else. */
export type Field = { number: number; value: bigint | Uint8Array };

/** The fields of a protobuf message in order. Throws where they do not fill it. */
export function fields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    if (at + length > bytes.length) throw new Error("a field beyond the end");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const value =
      wire === 0
        ? varint()
        : wire === 1
          ? take(8)
          : wire === 5
            ? take(4)
            : wire === 2
              ? take(Number(varint()))
              : undefined;
    if (value === undefined) throw new Error(`wire type ${wire}`);
    found.push({ number: tag >> 3, value });
  }
  return found;
}

/** The bytes of the first field of a number. */
export const child = (of: Field[], number: number): Uint8Array =>
  of.find((field) => field.number === number)!.value as Uint8Array;
export const has = (of: Field[], number: number): boolean => of.some((field) => field.number === number);
export const whole = (of: Field[], number: number): number =>
  Number(of.find((field) => field.number === number)?.value ?? 0);
export const string = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
export const float = (bytes: Uint8Array): number =>
  bytes.length === 4 ? Buffer.from(bytes).readFloatLE() : Buffer.from(bytes).readDoubleLE();
