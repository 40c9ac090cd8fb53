// PyTorch files of every family of presets and of every primitive, run in PyTorch: their logits, and that they train.
// SCANTLING_PYTHON names a Python with PyTorch; without it there is nothing to compare with.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { defineArchitecture } from "../../../src/architecture/architecture.ts";
import { presetFamilies, variants } from "./families.ts";
import { type Answer, answers, ask, randomModel, torch, writeCase } from "./torch.ts";

const folder = mkdtempSync(join(tmpdir(), "scantling-pytorch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(torch === undefined)("in PyTorch", () => {
  const families = new Map([...presetFamilies(), ...Object.entries(variants)]);
  const cases =
    torch === undefined
      ? []
      : [...families].map(([name, input]) => {
          const model = randomModel(defineArchitecture({ ...input, standardDeviation: 0.1 }));
          const question = ask(model);
          writeCase(folder, name, model, question);
          return { name, model, question };
        });
  const found = torch === undefined ? new Map<string, never>() : answers(folder, [...families.keys()]);
  const answerOf = (name: string): Answer => {
    const answer = found.get(name)!;
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  };

  test.each(cases)("$name: the same logits", ({ name, question }) => {
    const { logits } = answerOf(name);
    expect(logits.length).toBe(question.logits.length);
    const largest = question.logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(largest).toBeGreaterThan(0.1);
    const worst = question.logits.reduce((most, x, i) => Math.max(most, Math.abs(x - logits[i]!)), 0);
    expect(worst).toBeLessThan(1e-4);
  });

  test.each(cases)("$name: trains", ({ name }) => {
    const { loaded, fresh } = answerOf(name).losses;
    for (const losses of [loaded, fresh]) {
      expect(losses.every(Number.isFinite)).toBe(true);
      expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    }
  });
});
