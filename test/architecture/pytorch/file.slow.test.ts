// PyTorch files of every family of presets and of every primitive, run in PyTorch: their logits, and that they train.
// SCANTLING_PYTHON names a Python with PyTorch; without it there is nothing to compare with.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { defineArchitecture } from "../../../src/architecture/architecture.ts";
import { forward, inputType } from "../../../src/architecture/forward.ts";
import { pytorchFile } from "../../../src/architecture/pytorch/file.ts";
import { initialValues } from "../../../src/nn/initialize.ts";
import { inputSource } from "../../../src/nn/parameters.ts";
import { input, sizeOf } from "../../../src/tensor/index.ts";
import { presetFamilies, variants } from "./families.ts";
import { type Answer, answers, ask, randomModel, torch, writeCase } from "./torch.ts";

const folder = mkdtempSync(join(tmpdir(), "scantling-pytorch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** moe-mlp has a matrix that nothing reads. */
const unread = /\.gates\b/;

describe.skipIf(torch === undefined)("in PyTorch", () => {
  const families = new Map([...presetFamilies(), ...Object.entries(variants)]);
  const cases =
    torch === undefined
      ? []
      : [...families].map(([name, input]) => {
          const model = randomModel(defineArchitecture({ standardDeviation: 0.1, ...input }));
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

  test.each(cases)("$name: the same logits and the same loss", ({ name, question }) => {
    const { logits, loss } = answerOf(name);
    expect(logits.length).toBe(question.logits.length);
    const largest = question.logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(largest).toBeGreaterThan(0.1);
    const worst = question.logits.reduce((most, x, i) => Math.max(most, Math.abs(x - logits[i]!)), 0);
    expect(worst).toBeLessThan(1e-4);
    expect(Math.abs(loss - question.loss)).toBeLessThan(1e-4);
  });

  test.each(cases)("$name: begins as Scantling's", ({ name, model: { architecture } }) => {
    const { start } = answerOf(name);
    const source = inputSource();
    const { shape, dtype } = inputType(architecture, 1, architecture.length);
    forward(architecture, source, input("tokens", shape, dtype));
    const { parameters } = pytorchFile(architecture);
    expect(Object.keys(start).length).toBe(source.declared.size);
    for (const [own, declaration] of source.declared) {
      const isDrawn = ["normal", "uniform"].includes(declaration.initializer.kind);
      const count = sizeOf(declaration.shape);
      // Of a drawn parameter the distribution it is drawn from, of others all values.
      const values = initialValues(own, isDrawn ? { ...declaration, shape: [4000] } : declaration, 2);
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
      const [theirs, spread] = start[parameters.get(own)!.name]!;
      const allowed = (isDrawn ? 6 * deviation * (count ** -0.5 + 4000 ** -0.5) : 0) + 1e-5;
      expect(Math.abs(theirs - mean), own).toBeLessThan(allowed);
      expect(Math.abs(spread - deviation), own).toBeLessThan(allowed);
    }
  });

  test.each(cases)("$name: trains", ({ name }) => {
    const { loaded, fresh } = answerOf(name).losses;
    for (const losses of [loaded, fresh]) {
      expect(losses.every(Number.isFinite)).toBe(true);
      expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    }
  });

  const composed = cases.filter(
    ({ model: { architecture } }) =>
      architecture.sources.length > 0 || architecture.loop !== null || architecture.paths !== null,
  );
  test.each(composed)("$name: trains everything that is stored", ({ name }) => {
    expect(answerOf(name).idle.filter((parameter) => !unread.test(parameter))).toEqual([]);
  });
});
