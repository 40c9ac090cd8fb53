import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import type { GrowthStep } from "../../src/growth/steps.ts";
import { growFolder } from "../../src/hub/growFolder.ts";
import { openPublicModel } from "../../src/hub/model.ts";
import { differenceFrom, fixture, layoutNames, newFolder } from "./harness.ts";

const machine = createReference();
const settings = (to: Record<string, unknown>): GrowthStep => ({ grow: "settings", to });
const layers: GrowthStep = { grow: "layers", add: 1, at: 1 };
const width = (to: number): GrowthStep => ({ grow: "width", to });
const configOf = (folder: string) => JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
const grow = async (name: string, steps: readonly GrowthStep[], more = {}) =>
  growFolder({ folder: fixture(name), out: newFolder(), steps, machine, seed: 3, ...more });

describe("a grown folder has the logits that were recorded of the small one", () => {
  const all: Record<(typeof layoutNames)[number], GrowthStep[]> = {
    gpt2: [settings({ feedforward: 40 }), width(16), layers],
    llama: [
      settings({ feedforward: 20, heads: 4, kvHeads: 2 }),
      settings({ headWidth: 6 }),
      width(12),
      layers,
    ],
    mistral: [settings({ feedforward: 20, heads: 4, headWidth: 24 }), width(32), layers],
    qwen2: [settings({ feedforward: 20, heads: 6, kvHeads: 3 }), width(32), layers],
    vit: [settings({ feedforward: 40 }), width(16), layers],
  };
  // Scales of these are powers of two, or rounded to float32.
  const bounds = { gpt2: 1e-5, llama: 1e-5, mistral: 1e-5, qwen2: 1e-5, vit: 1e-5 };
  for (const name of layoutNames) {
    it(name, async () => {
      const made = await grow(name, all[name]);
      expect(differenceFrom(made.folder, name)).toBeLessThan(bounds[name]);
      expect(made.proof.kind).toBe("network");
    });
  }
});
