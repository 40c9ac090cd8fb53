import fc from "fast-check";
import { expect, test } from "vitest";
import { ARBITRARY, type AxisGrowth, MEAN, OLD, ZERO } from "../../src/growth/axes.ts";
import { countNew, growTensor, type TensorGrowth } from "../../src/growth/tensor.ts";

/** Place by place, as the definition reads. */
function plainly(
  { shape, axes, scale }: TensorGrowth,
  old: Float32Array,
  arbitrary: Float32Array,
): Float32Array {
  const out = new Float32Array(arbitrary.length);
  const places = (i: number) => {
    let rest = i;
    return shape.map((_, axis) => {
      const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const place = Math.floor(rest / stride);
      rest %= stride;
      return place;
    });
  };
  const kindOf = (at: number[]) => Math.max(...at.map((place, axis) => axes[axis]!.kind[place]!));
  for (let i = 0; i < out.length; i++) {
    const at = places(i);
    const kind = kindOf(at);
    const from = at.reduce((sum, place, axis) => sum * axes[axis]!.before + axes[axis]!.from[place]!, 0);
    if (kind === OLD) out[i] = scale * old[from]!;
    if (kind === ARBITRARY) out[i] = arbitrary[i]!;
  }
  const axis = axes.findIndex(({ kind }) => kind.includes(MEAN));
  for (let i = 0; i < out.length; i++) {
    const at = places(i);
    if (kindOf(at) !== MEAN) continue;
    const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const known = [...axes[axis]!.kind.keys()].filter((place) => axes[axis]!.kind[place] === OLD);
    const sum = known.reduce((sum, place) => sum + out[i + (place - at[axis]!) * stride]!, 0);
    out[i] = sum / known.length;
  }
  return out;
}

/** Old places in any order among new ones of one kind. */
const axis = (added: number) =>
  fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(4), { maxLength: 3 }))
    .map(([before, at]): AxisGrowth => {
      const from = Array.from({ length: before }, (_, i) => i);
      for (const place of at) from.splice(Math.min(place, from.length), 0, -1);
      const kind = from.map((place) => (place < 0 ? added : OLD));
      return { from: Int32Array.from(from), kind: Uint8Array.from(kind), before };
    });

test("a tensor grows as its axes say, to the bit, whatever stands next to what", () => {
  const kinds = fc.constantFrom(ARBITRARY, ZERO);
  const free = kinds.chain(axis);
  // Means along one axis at most, as declarations have them.
  const axes = fc
    .tuple(fc.array(free, { maxLength: 2 }), fc.option(axis(MEAN)), fc.nat(2))
    .map(([others, mean, at]) => (mean === null ? others : others.toSpliced(at, 0, mean)))
    .filter((list) => list.length > 0);
  fc.assert(
    fc.property(axes, fc.constantFrom(1, 0.7), (axes, scale) => {
      const size = (of: (axis: AxisGrowth) => number) =>
        axes.reduce((product, axis) => product * of(axis), 1);
      const shape = axes.map(({ from }) => from.length);
      const old = Float32Array.from({ length: size(({ before }) => before) }, (_, i) => Math.sin(i + 1));
      const arbitrary = Float32Array.from({ length: size(({ from }) => from.length) }, (_, i) => -1 - i);
      const growth = { shape, axes, scale };
      const expected = plainly(growth, old, arbitrary);
      expect(growTensor(growth, old, arbitrary)).toEqual(expected);
      const zero = expected.reduce((count, value) => count + Number(value === 0), 0);
      if (!axes.some(({ kind }) => kind.includes(MEAN))) expect(countNew(growth).zero).toBe(zero);
    }),
    { seed: 1, numRuns: 300 },
  );
});
