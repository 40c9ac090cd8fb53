// The JSON Schema of architecture files, from the same descriptions that check them: for completion in editors.
import { z } from "zod";
import { pathsSchema } from "../nn/paths.ts";
import { primitives } from "../nn/primitives.ts";
import { sources } from "../nn/sources/sources.ts";
import { loopSchema } from "./loop.ts";
import { own, sharedKeys } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

/** Settings that are checked elsewhere. */
const structured = {
  stripe: true,
  first: true,
  last: true,
  loop: true,
  paths: true,
  nested: true,
  share: true,
  sources: true,
} as const;

/** JSON Schema 2020-12 of what `defineArchitecture` takes. What heads, widths and lengths must fit, it cannot say. */
export function architectureJsonSchema(): Readonly<Record<string, unknown>> {
  const { properties, required } = plainSchema(z.object(own).omit(structured));
  const items = { type: "array", items: { $ref: "#/$defs/place" } };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "An architecture of scantling",
    type: "object",
    properties: {
      $schema: { type: "string" },
      ...(properties as Json),
      ...Object.fromEntries(sharedKeys.map((key) => [key, sharedSchema(key)])),
      stripe: {
        description: "Primitives of one period; default: attention, then activation.",
        anyOf: [
          { type: "string", description: "A pattern such as [hyena, swiglu, attention, swiglu] × 3" },
          { ...items, minItems: 1 },
        ],
      },
      first: { description: "Primitives in front of the repeated stripe.", ...items },
      last: { description: "Primitives after the repeated stripe.", ...items },
      loop: {
        description: "How often each block is applied, and what stands between.",
        anyOf: [settingsSchema(loopSchema), { type: "null" }],
      },
      paths: {
        description: "Copies of every primitive beside each other.",
        anyOf: [
          { type: "integer", minimum: 1, description: "Their number" },
          settingsSchema(pathsSchema),
          { type: "null" },
        ],
      },
      nested: {
        description: "Shares of the feed-forward width that are trained in turn, ascending to 1.",
        anyOf: [
          { type: "array", items: { type: "number", exclusiveMinimum: 0, maximum: 1 }, minItems: 1 },
          { type: "null" },
        ],
      },
      share: {
        description: "Blocks that have their parameters in common.",
        anyOf: [{ ...settingsSchema(sources.get("share")!.schema) }, { type: "null" }],
      },
      sources: {
        description: "What stands between the primitives and the stored parameters.",
        type: "array",
        items: {
          anyOf: [
            { type: "string", description: "A source, such as ternary or lora(rank: 8)" },
            ...[...sources.values()].map(({ name, schema }) => namedSchema("source", name, schema)),
          ],
        },
      },
    },
    required,
    additionalProperties: false,
    $defs: {
      place: {
        anyOf: [
          { type: "string", description: "A primitive, such as attention or attention(heads: 8)" },
          ...[...primitives.keys()].map((name) => ({ $ref: `#/$defs/${name}` })),
        ],
      },
      ...Object.fromEntries(
        [...primitives.values()].map(({ name, schema }) => [name, namedSchema("primitive", name, schema)]),
      ),
    },
  };
}

function settingsSchema(schema: z.ZodObject): Json {
  const { properties, required = [] } = plainSchema(schema);
  return { type: "object", properties, required, additionalProperties: false };
}

/** Settings beside the name of what has them, which stands under `key`. */
function namedSchema(key: string, name: string, schema: z.ZodObject): Json {
  const { properties, required, ...rest } = settingsSchema(schema) as Json & { readonly required: string[] };
  return {
    ...rest,
    properties: { [key]: { const: name }, ...(properties as Json) },
    required: [key, ...required],
  };
}

/** What a setting may be that is given once for all: whatever one of the primitives takes that have it. */
function sharedSchema(key: string): Json {
  const texts = [...primitives.values()].flatMap(({ schema }) => {
    const { [key]: found } = plainSchema(schema).properties as Record<string, Json>;
    if (found === undefined) return [];
    // Its default is each primitive's own.
    const { default: _, ...rest } = found;
    return [JSON.stringify(rest)];
  });
  const kinds = [...new Set(texts)].map((text) => JSON.parse(text) as Json);
  const description = "For all primitives that have it.";
  return kinds.length === 1 ? { description, ...kinds[0] } : { description, anyOf: kinds };
}

function plainSchema(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json;
}
