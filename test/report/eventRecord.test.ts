// Records of event files: checksums by published values, content by a decoder that shares nothing with the encoder.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c, encodeEventRecord } from "../../src/report/eventRecord.ts";
import { decodeRecords } from "./eventDecoder.ts";

describe("crc32c", () => {
  // RFC 3720, appendix B.4, and the check value of the catalogues.
  it.each([
    ["32 bytes of 0", new Uint8Array(32), 0x8a9136aa],
    ["32 bytes of 255", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["0 to 31", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["31 to 0", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ["123456789", new TextEncoder().encode("123456789"), 0xe3069283],
    ["nothing", new Uint8Array(0), 0],
  ])("of %s", (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});

describe("encodeEventRecord", () => {
  const values = fc.dictionary(fc.string({ minLength: 1 }), fc.float());
  it("gives back what it was given", () => {
    fc.assert(
      fc.property(values, fc.double({ noNaN: true }), fc.nat(2 ** 40), (scalars, seconds, step) => {
        const bytes = encodeEventRecord({ seconds, step, content: { kind: "scalars", values: scalars } });
        expect(decodeRecords(bytes)).toEqual([{ seconds, step, scalars: new Map(Object.entries(scalars)) }]);
      }),
      { seed: 3 },
    );
  });

  it("writes text as a tensor of one string for the text plugin", () => {
    const text = "naïve\n\u{1f600} ".repeat(40);
    const bytes = encodeEventRecord({ seconds: 5, step: 9, content: { kind: "text", tag: "sample", text } });
    expect(decodeRecords(bytes)).toEqual([
      { seconds: 5, step: 9, text: { tag: "sample", plugin: "text", type: 7, shape: [1], text } },
    ]);
  });

  it("marks versions and restarts", () => {
    const version = encodeEventRecord({ seconds: 1, step: 0, content: { kind: "version" } });
    const restart = encodeEventRecord({ seconds: 2, step: 4, content: { kind: "restart" } });
    expect(decodeRecords(Buffer.concat([version, restart]))).toEqual([
      { seconds: 1, step: 0, version: "brain.Event:2" },
      { seconds: 2, step: 4, session: 1 },
    ]);
  });

  it("is refused by the decoder once a bit is turned", () => {
    const content = { kind: "scalars", values: { loss: 1 } } as const;
    const bytes = encodeEventRecord({ seconds: 1, step: 1, content });
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 4;
      expect(() => decodeRecords(damaged), `byte ${at}`).toThrow();
    }
  });
});
