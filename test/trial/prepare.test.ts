// Speeds that are kept are those of the same arms on the same backend.
import { afterAll, expect, test } from "vitest";
import type { TrialInput } from "../../src/trial/input.ts";
import { type PrepareOptions, prepareTrial } from "../../src/trial/prepare.ts";
import { temporaryFolder } from "../cli/harness.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

const small = { heads: 2, activation: "gelu", norm: "rms", positions: "rope", width: 8 };
const input = (layers: number): TrialInput => ({
  arms: {
    scratch: { architecture: { ...small, layers: 3 } },
    grown: {
      architecture: { ...small, layers },
      training: { grow: [{ at: { share: 0.5 }, to: { layers: 3 } }] },
    },
  },
  ...{ train: { steps: 50 }, length: 8, batch: 2, rates: [0.01], seeds: 2, stop: "race", spend: "10m" },
});

test("a change of the backend, or of a network to grow from, measures anew", async () => {
  const options: PrepareOptions = { input: input(1), folder: root.path, backend: "wasm" };
  const { paces } = await prepareTrial(options);
  // Whoever wants to measure is stopped.
  const again = (more: Partial<PrepareOptions>) =>
    prepareTrial({ ...options, ...more, signal: AbortSignal.abort(new Error("measured")) });
  expect((await again({})).paces).toEqual(paces);
  for (const more of [{ backend: "reference" }, { backend: undefined }, { input: input(2) }] as const) {
    await expect(again(more)).rejects.toThrow("measured");
  }
}, 60_000);
