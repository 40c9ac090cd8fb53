// Tiny runs that grow: a text, fresh folders for runs on it, and what they told and left.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { GrownEvent, TrainEvent } from "../../src/train/events.ts";
import type { GrowthEventInput } from "../../src/train/growthEvents.ts";
import { tinyRun } from "./harness.ts";

const base = mkdtempSync(join(tmpdir(), "scantling-growing-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
export const text = join(base, "abc.txt");
writeFileSync(text, "abcd".repeat(60));
let counter = 0;
export const freshFolder = (): string => join(base, `run${counter++}`);

export const settings = (grow: readonly GrowthEventInput[], more: object = {}) => ({
  training: { ...tinyRun("", text).training, grow, ...more },
});

export const grownIn = (told: readonly TrainEvent[]) =>
  told.filter((event): event is GrownEvent => event.kind === "growth");

/** Weights and optimiser state of a checkpoint. */
export const bytesOf = (folder: string, step: number) =>
  ["model.safetensors", "optimizer.safetensors"].map((file) =>
    readFileSync(join(folder, "checkpoints", String(step), file)),
  );
