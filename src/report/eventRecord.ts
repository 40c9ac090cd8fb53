// Records of TensorBoard's event files, as bytes. Knows no run and no file.
// Framing: TensorFlow's TFRecord (length, its checksum, content, its checksum). Content: tensorflow/core/util/event.proto,
// framework/summary.proto and framework/tensor.proto.
import { PbfWriter } from "pbf";

/** What one record tells. */
export type BoardContent =
  /** The first record of every file. */
  | { readonly kind: "version" }
  /** Everything told of this step and later ones before is void. */
  | { readonly kind: "restart" }
  /** Numbers by their tags. */
  | { readonly kind: "scalars"; readonly values: Readonly<Record<string, number>> }
  /** Markdown under a tag. */
  | { readonly kind: "text"; readonly tag: string; readonly text: string };

export interface BoardEvent {
  /** When it happened, in seconds since 1970. */
  readonly seconds: number;
  readonly step: number;
  readonly content: BoardContent;
}

/** One framed record. */
export function encodeEventRecord(event: BoardEvent): Uint8Array {
  const out = new PbfWriter();
  writeEvent(event, out);
  const content = out.finish();
  const record = new Uint8Array(12 + content.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(content.length), true);
  view.setUint32(8, maskedChecksum(record.subarray(0, 8)), true);
  record.set(content, 12);
  view.setUint32(12 + content.length, maskedChecksum(content), true);
  return record;
}

function writeEvent({ seconds, step, content }: BoardEvent, out: PbfWriter): void {
  out.writeDoubleField(1, seconds);
  out.writeVarintField(2, step);
  switch (content.kind) {
    case "version":
      out.writeStringField(3, "brain.Event:2");
      break;
    case "restart":
      out.writeMessage(7, writeSessionStart, undefined);
      break;
    case "scalars":
      out.writeMessage(5, writeScalars, content.values);
      break;
    case "text":
      out.writeMessage(5, writeText, content);
      break;
  }
}

const SESSION_START = 1;
const STRING_TYPE = 7;

function writeSessionStart(_: undefined, out: PbfWriter): void {
  out.writeVarintField(1, SESSION_START);
}

function writeScalars(values: Readonly<Record<string, number>>, out: PbfWriter): void {
  for (const entry of Object.entries(values)) out.writeMessage(1, writeScalar, entry);
}

function writeScalar([tag, value]: [string, number], out: PbfWriter): void {
  out.writeStringField(1, tag);
  out.writeFloatField(2, value);
}

type TextContent = Extract<BoardContent, { kind: "text" }>;

function writeText(content: TextContent, out: PbfWriter): void {
  out.writeMessage(1, writeTextValue, content);
}

function writeTextValue({ tag, text }: TextContent, out: PbfWriter): void {
  out.writeStringField(1, tag);
  out.writeMessage(8, writeTextTensor, text);
  out.writeMessage(9, writeTextPlugin, undefined);
}

/** A tensor of one string. */
function writeTextTensor(text: string, out: PbfWriter): void {
  out.writeVarintField(1, STRING_TYPE);
  out.writeMessage(2, writeSingleShape, undefined);
  out.writeStringField(8, text);
}

function writeSingleShape(_: undefined, out: PbfWriter): void {
  out.writeMessage(2, writeSingleSize, undefined);
}

function writeSingleSize(_: undefined, out: PbfWriter): void {
  out.writeVarintField(1, 1);
}

function writeTextPlugin(_: undefined, out: PbfWriter): void {
  out.writeMessage(1, writePluginName, undefined);
}

function writePluginName(_: undefined, out: PbfWriter): void {
  out.writeStringField(1, "text");
}

/** TFRecord's checksums are turned and shifted, so that one of data that hold checksums is no special value. */
function maskedChecksum(bytes: Uint8Array): number {
  const checksum = crc32c(bytes);
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

/** CRC-32C of bytes: RFC 3720, section 12.1 and appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = (remainder >>> 8) ^ table[(remainder ^ byte) & 0xff]!;
  return (remainder ^ 0xffffffff) >>> 0;
}
