// The published JSON Schema: that the file in the package is the current one, and that it says what the program does.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { architectureJsonSchema } from "../../src/architecture/jsonSchema.ts";
import { presets } from "../../src/architecture/presets.ts";

test("architecture.schema.json is current; `npx vitest run test/architecture/jsonSchema.test.ts -u` writes it", async () => {
  const text = `${JSON.stringify(architectureJsonSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot("../../architecture.schema.json");
});

// Zod reads the schema back, without its own descriptions.
const published = z.fromJSONSchema(architectureJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
const accepts = (value: unknown) => published.safeParse(value).success;
const base = { vocabulary: 65, length: 64, width: 48 };

test("presets are valid, as given and complete", () => {
  for (const [name, input] of presets) {
    expect([name, accepts(input)]).toEqual([name, true]);
    expect([name, accepts(defineArchitecture(input))]).toEqual([name, true]);
  }
});

describe("it accepts and refuses as the program does", () => {
  test.each<[unknown, boolean]>([
    [base, true],
    [{ ...base, $schema: "architecture.schema.json" }, true],
    [{ ...base, stripe: "[attention, swiglu] × 3" }, true],
    [{ ...base, stripe: ["attention(heads: 3)", { primitive: "swiglu", feedforward: 7 }] }, true],
    [{ ...base, heads: 3, window: null, norm: "rms", block: "parallel" }, true],
    [{ ...base, repeat: 4, share: { period: 2, norms: "shared" }, sources: ["lora(rank: 2)"] }, true],
    [{ ...base, sources: [{ source: "bank", size: 9 }] }, true],
    [{ ...base, share: { periods: 1 } }, false],
    [{ ...base, loop: { times: 2 }, paths: 2, nested: [0.5, 1] }, true],
    [{ ...base, loop: null, paths: { count: 2, norm: "none" }, nested: null }, true],
    [{ ...base, loop: { times: 1 } }, false],
    [{ ...base, paths: { norm: "rms" } }, false],
    [{ ...base, nested: [0, 1] }, false],
    [{ ...base, sources: [{ source: "lora" }] }, false],
    [{ length: 64, width: 48 }, false],
    [{ ...base, widht: 3 }, false],
    [{ ...base, width: 2.5 }, false],
    [{ ...base, width: 0 }, false],
    [{ ...base, norm: "lyaer" }, false],
    [{ ...base, stripe: [] }, false],
    [{ ...base, stripe: [{ primitive: "swiglu", heads: 3 }] }, false],
    [{ ...base, stripe: [{ primitive: "swigul" }] }, false],
    [{ ...base, heads: "3" }, false],
  ])("%j: %s", (value, valid) => {
    expect(accepts(value)).toBe(valid);
    const { $schema: _, ...settings } = value as Record<string, unknown>;
    const define = () => defineArchitecture(settings);
    if (valid) expect(define).not.toThrow();
    else expect(define).toThrow();
  });
});
