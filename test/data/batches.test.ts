import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBatch, createSampler, evaluationBatches, ignored } from "../../src/data/batches.ts";
import { RequestError } from "../../src/errors.ts";

/** Tokens that name their own place. */
const ramp = (length: number): Uint16Array => Uint16Array.from({ length }, (_, i) => i);

const sizes = fc.record({
  length: fc.integer({ min: 1, max: 9 }),
  batch: fc.integer({ min: 1, max: 5 }),
  tokens: fc.integer({ min: 10, max: 200 }),
  seed: fc.nat(),
});

describe("the sampler", () => {
  test.each(["random", "epochs"] as const)("%s: rows are windows, and targets the tokens after", (order) => {
    fc.assert(
      fc.property(sizes, fc.nat({ max: 1000 }), ({ length, batch, tokens, seed }, step) => {
        const { inputs, targets } = createSampler({ tokens: ramp(tokens), length, batch, seed, order }).next(
          step,
        );
        expect(inputs.length).toBe(batch * length);
        for (let i = 0; i < inputs.length; i++) {
          expect(targets[i]).toBe(inputs[i]! + 1);
          if (i % length > 0) expect(inputs[i]).toBe(inputs[i - 1]! + 1);
        }
        expect(Math.max(...targets)).toBeLessThan(tokens);
      }),
      { seed: 1 },
    );
  });

  test.each(["random", "epochs"] as const)("%s: a batch depends on seed and step alone", (order) => {
    const options = { tokens: ramp(1000), length: 7, batch: 3, seed: 5, order };
    const forward = createSampler(options);
    const inOrder = Array.from({ length: 200 }, (_, step) => forward.next(step).inputs.join());
    const backward = createSampler(options);
    const reuse = createBatch(3, 7);
    for (let step = 199; step >= 0; step--)
      expect(backward.next(step, reuse).inputs.join()).toBe(inOrder[step]);
    expect(new Set(inOrder).size).toBe(200);
    expect(
      createSampler({ ...options, seed: 6 })
        .next(0)
        .inputs.join(),
    ).not.toBe(inOrder[0]);
  });

  test("fills the arrays it is given", () => {
    const sampler = createSampler({ tokens: ramp(100), length: 5, batch: 2, seed: 1 });
    const reuse = createBatch(2, 5);
    expect(sampler.next(3, reuse)).toBe(reuse);
    expect(reuse).toEqual(sampler.next(3));
  });

  test("random windows start everywhere, the first and last place included", () => {
    const sampler = createSampler({ tokens: ramp(14), length: 4, batch: 50, seed: 1 });
    const starts = new Set<number>();
    for (let step = 0; step < 20; step++) {
      const { inputs } = sampler.next(step);
      for (let row = 0; row < 50; row++) starts.add(inputs[row * 4]!);
    }
    expect([...starts].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("an epoch visits every window once, and epochs differ", () => {
    const sampler = createSampler({ tokens: ramp(123), length: 10, batch: 4, seed: 2, order: "epochs" });
    expect(sampler.batchesPerEpoch).toBe(3);
    const orders = [0, 1, 2].map((epoch) => {
      const starts: number[] = [];
      for (let step = 0; step < 3; step++) {
        const { inputs } = sampler.next(epoch * 3 + step);
        for (let row = 0; row < 4; row++) starts.push(inputs[row * 10]!);
      }
      const sorted = [...starts].sort((a, b) => a - b);
      for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBe(10);
      return starts.join();
    });
    expect(new Set(orders).size).toBe(3);
  });

  test("the least data is one window", () => {
    for (const order of ["random", "epochs"] as const) {
      const { inputs } = createSampler({ tokens: ramp(6), length: 5, batch: 2, seed: 1, order }).next(9);
      expect([...inputs]).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    }
  });

  test("wrong requests are refused", () => {
    const good = { tokens: ramp(100), length: 5, batch: 2, seed: 1 };
    expect(() => createSampler({ ...good, length: 100 })).toThrow(
      /100 tokens, a window of length 100 needs at least 101/,
    );
    for (const wrong of [0, -1, 1.5, Number.NaN]) {
      expect(() => createSampler({ ...good, length: wrong })).toThrow(RequestError);
      expect(() => createSampler({ ...good, batch: wrong })).toThrow(RequestError);
    }
    expect(() => createSampler({ ...good, seed: -1 })).toThrow(RequestError);
    expect(() => createSampler(good).next(-1)).toThrow(RequestError);
  });
});

describe("evaluation", () => {
  test("scores every token but the first exactly once, in order", () => {
    fc.assert(
      fc.property(sizes, ({ length, batch, tokens }) => {
        const scored: number[] = [];
        for (const { inputs, targets, scored: count } of evaluationBatches(ramp(tokens), length, batch)) {
          expect(inputs.length).toBe(batch * length);
          let here = 0;
          for (let i = 0; i < targets.length; i++) {
            if (targets[i] === ignored) {
              expect(inputs[i]).toBe(0);
              continue;
            }
            here++;
            expect(targets[i]).toBe(inputs[i]! + 1);
            scored.push(targets[i]!);
          }
          expect(here).toBe(count);
        }
        expect(scored).toEqual(Array.from({ length: tokens - 1 }, (_, i) => i + 1));
      }),
      { seed: 1 },
    );
  });

  test("wrong requests are refused", () => {
    expect(() => [...evaluationBatches(ramp(1), 4, 2)]).toThrow(/1 tokens, at least 2/);
    expect(() => [...evaluationBatches(ramp(9), 0, 2)]).toThrow(RequestError);
    expect(() => [...evaluationBatches(ramp(9), 4, -2)]).toThrow(RequestError);
  });
});
