// Reads TensorBoard's event files: a second implementation, bit by bit from the descriptions of the formats.
import { child, type Field, fields, float, has, string, whole } from "../protobuf.ts";

export interface DecodedEvent {
  seconds: number;
  step: number;
  version?: string;
  session?: number;
  scalars?: Map<string, number>;
  text?: { tag: string; plugin: string; type: number; shape: number[]; text: string };
}

/** Remainder of a division of polynomials, one bit after the other. */
function checksum(bytes: Uint8Array): number {
  let remainder = 0xffffffffn;
  for (const byte of bytes) {
    remainder ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      remainder = remainder & 1n ? (remainder >> 1n) ^ 0x82f63b78n : remainder >> 1n;
    }
  }
  const crc = remainder ^ 0xffffffffn;
  return Number((((crc >> 15n) | ((crc << 17n) & 0xffffffffn)) + 0xa282ead8n) & 0xffffffffn);
}

function decodeEvent(bytes: Uint8Array): DecodedEvent {
  const event = fields(bytes);
  const decoded: DecodedEvent = { seconds: float(child(event, 1)), step: whole(event, 2) };
  if (has(event, 3)) decoded.version = string(child(event, 3));
  if (has(event, 7)) decoded.session = whole(fields(child(event, 7)), 1);
  if (!has(event, 5)) return decoded;
  const values = fields(child(event, 5)).map(({ value }) => fields(value as Uint8Array));
  const tagOf = (value: Field[]) => string(child(value, 1));
  const [first] = values;
  if (first === undefined || has(first, 2)) {
    decoded.scalars = new Map(values.map((value) => [tagOf(value), float(child(value, 2))]));
    return decoded;
  }
  const tensor = fields(child(first, 8));
  decoded.text = {
    tag: tagOf(first),
    plugin: string(child(fields(child(fields(child(first, 9)), 1)), 1)),
    type: whole(tensor, 1),
    shape: fields(child(tensor, 2)).map(({ value }) => whole(fields(value as Uint8Array), 1)),
    text: string(child(tensor, 8)),
  };
  return decoded;
}

/** The events of a file. Throws where a length, a checksum or a field is wrong. */
export function decodeRecords(file: Uint8Array): DecodedEvent[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const events: DecodedEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== checksum(file.subarray(at, at + 8)))
      throw new Error("length damaged");
    const content = file.subarray(at + 12, at + 12 + length);
    if (view.getUint32(at + 12 + length, true) !== checksum(content)) throw new Error("content damaged");
    events.push(decodeEvent(content));
    at += 16 + length;
  }
  return events;
}
