// The allocator against a plain list of taken ranges, on generated sequences of requests.
import fc from "fast-check";
import { expect, test } from "vitest";
import { alignment, createAllocator } from "../../../src/backend/wasm/allocator.ts";

const start = 1000;
const limit = 100_000;

type Action = { readonly allocate: number } | { readonly release: number };

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    fc.record({ allocate: fc.oneof(fc.nat(200), fc.nat(20_000)) }),
    fc.record({ release: fc.nat(1000) }),
  ),
  { maxLength: 200 },
);

const rounded = (bytes: number): number => Math.max(alignment, Math.ceil(bytes / alignment) * alignment);

test("blocks are aligned, apart and within the range; what is free can be used again", () => {
  fc.assert(
    fc.property(actions, (sequence) => {
      let reserved = start;
      const allocator = createAllocator(start, (end) => {
        if (end > limit) return false;
        reserved = Math.max(reserved, end);
        return true;
      });
      const taken: { from: number; to: number }[] = [];
      let highest = 0;
      for (const action of sequence) {
        if ("release" in action) {
          if (taken.length === 0) continue;
          const [gone] = taken.splice(action.release % taken.length, 1);
          allocator.release(gone!.from);
          expect(() => allocator.release(gone!.from)).toThrow("no block");
          continue;
        }
        const bytes = action.allocate;
        const from = allocator.allocate(bytes);
        const sorted = taken.toSorted((a, b) => a.from - b.from);
        if (from === undefined) {
          // Nowhere a gap that is large enough.
          let at = Math.ceil(start / alignment) * alignment;
          for (const { from: next, to } of [...sorted, { from: limit, to: limit }]) {
            expect(next - at).toBeLessThan(rounded(bytes));
            at = to;
          }
          continue;
        }
        expect(from % alignment).toBe(0);
        const to = from + rounded(bytes);
        expect(from).toBeGreaterThanOrEqual(start);
        expect(to).toBeLessThanOrEqual(reserved);
        expect(taken.every((other) => to <= other.from || other.to <= from)).toBe(true);
        taken.push({ from, to });
        highest = Math.max(highest, to);
        expect(allocator.untouched).toBeGreaterThanOrEqual(highest);
        expect(allocator.used).toBe(taken.reduce((sum, block) => sum + block.to - block.from, 0));
      }
      for (const { from } of taken) allocator.release(from);
      expect(allocator.used).toBe(0);
      // All that is free lies together again: as much as the range has fits.
      const all = limit - Math.ceil(start / alignment) * alignment;
      expect(allocator.allocate(all - (all % alignment))).toBeDefined();
    }),
    { seed: 3, numRuns: 300 },
  );
});
