// The attention kernels against loops over float64: generated shapes, every build, strided and fused operands.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AttentionGradientInstruction,
  attentionGradientScratchBytes,
  attentionGradientWords,
  attentionRows,
  attentionScratchBytes,
  attentionWords,
  type HeadsView,
} from "../../src/backend/tape/attention.ts";
import { createTapeWriter, elementType, space } from "../../src/backend/tape/writer.ts";
import { builds, type Case, compileDriver, runCases, type Values } from "./attention_driver.ts";
import { attend, differentiate, type Sizes, sees, type View } from "./attention_naive.ts";

const opAttention = 5;
const opAttentionGradient = 6;

interface Layout extends Sizes {
  /** q, k, v and their gradients are slices of one array each (needs queryLength = keyLength). */
  readonly fused: boolean;
  readonly fine: boolean;
  readonly seed: number;
}

/** Uniform numbers in [-1, 1). */
function numbers(count: number, seed: number): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround((state >>> 8) / 2 ** 23 - 1);
  });
}

const viewNames = ["q", "k", "v", "out", "dOut", "dq", "dk", "dv"] as const;
type ViewName = (typeof viewNames)[number];

/** Views with odd gaps between rows, or slices of one fused array. */
function views(s: Layout): Record<ViewName, View> & { readonly arrays: Float64Array[] } {
  const arrays: Float64Array[] = [];
  const alone = (length: number, heads: number, width: number): View => {
    const token = heads * width + 3;
    const values = numbers(s.batch * (length * token + 5) + 2, s.seed + arrays.length);
    arrays.push(values);
    return { values, start: 2, batch: length * token + 5, token, head: width };
  };
  const queries = s.queryHeads * s.width;
  const keys = s.keyHeads * s.width;
  const fusedWidth = queries + keys + s.keyHeads * s.valueWidth;
  const slices = (): [View, View, View] => {
    const values = numbers(s.batch * s.keyLength * fusedWidth, s.seed + arrays.length);
    arrays.push(values);
    const slice = (start: number, head: number): View => {
      return { values, start, batch: s.keyLength * fusedWidth, token: fusedWidth, head };
    };
    return [slice(0, s.width), slice(queries, s.width), slice(queries + keys, s.valueWidth)];
  };
  const three = (): [View, View, View] =>
    s.fused
      ? slices()
      : [
          alone(s.queryLength, s.queryHeads, s.width),
          alone(s.keyLength, s.keyHeads, s.width),
          alone(s.keyLength, s.keyHeads, s.valueWidth),
        ];
  const [q, k, v] = three();
  const [dq, dk, dv] = three();
  const out = alone(s.queryLength, s.queryHeads, s.valueWidth);
  const dOut = alone(s.queryLength, s.queryHeads, s.valueWidth);
  return { q, k, v, out, dOut, dq, dk, dv, arrays };
}

interface Solved {
  readonly layout: Layout;
  readonly views: ReturnType<typeof views>;
  /** Every array before and after, logSumExp last. */
  readonly before: readonly Float64Array[];
  readonly after: readonly Float64Array[];
}

function solve(layout: Layout): Solved {
  const all = views(layout);
  const { q, k, v, out, dq, dk, dv, arrays } = all;
  const logSumExp = new Float64Array(layout.batch * layout.queryHeads * layout.queryLength).fill(7);
  const after = [...arrays, logSumExp];
  hideUnseen(layout, k, layout.width);
  hideUnseen(layout, v, layout.valueWidth);
  const before = after.map((x) => x.slice());
  attend(layout, q, k, v, out, logSumExp);
  for (const [view, length, heads, width] of [
    [dq, layout.queryLength, layout.queryHeads, layout.width],
    [dk, layout.keyLength, layout.keyHeads, layout.width],
    [dv, layout.keyLength, layout.keyHeads, layout.valueWidth],
  ] as const) {
    for (const first of rowStarts(layout, view, length, heads)) view.values.fill(0, first, first + width);
  }
  differentiate(layout, all);
  return { layout, views: all, before, after };
}

function rowStarts({ batch }: Layout, view: View, length: number, heads: number): number[] {
  const starts: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < length; t++)
      for (let h = 0; h < heads; h++)
        starts.push(view.start + b * view.batch + t * view.token + h * view.head);
  return starts;
}

/** NaN wherever no query looks: reading it would show. */
function hideUnseen(s: Layout, view: View, width: number): void {
  const queries = Array.from({ length: s.queryLength }, (_, i) => i);
  rowStarts(s, view, s.keyLength, s.keyHeads).forEach((first, row) => {
    const key = Math.floor(row / s.keyHeads) % s.keyLength;
    if (!queries.some((query) => sees(s, query, key))) view.values.fill(Number.NaN, first, first + width);
  });
}

interface Prepared {
  readonly cases: readonly Case[];
  readonly bindings: readonly Values[];
}

/** The two instructions on one set of bindings. */
function prepare({ layout: s, views, before }: Solved, realBytes: 4 | 8): Prepared {
  const { q, k, v, out, dOut, dq, dk, dv, arrays } = views;
  const Reals = realBytes === 4 ? Float32Array : Float64Array;
  const bindings: Values[] = before.map((x) => Reals.from(x));
  bindings.push(Int32Array.of(s.offset));
  const operand = (binding: number, element: number, item: number) => {
    return { space: space.binding(binding), type: elementType.real, line: 0, element, item, step: [] };
  };
  const headsView = (view: View): HeadsView => {
    const place = operand(arrays.indexOf(view.values), view.start, view.batch);
    return { operand: place, token: view.token, head: view.head };
  };
  const offset = { ...operand(arrays.length + 1, 0, 0), type: elementType.i32 };
  const instruction: AttentionGradientInstruction = {
    ...s,
    query: headsView(q),
    key: headsView(k),
    value: headsView(v),
    out: headsView(out),
    logSumExp: {
      operand: operand(arrays.length, 0, s.queryHeads * s.queryLength),
      token: 1,
      head: s.queryLength,
    },
    offset: s.offset === 0 ? undefined : offset,
    outGradient: headsView(dOut),
    queryGradient: headsView(dq),
    keyGradient: headsView(dk),
    valueGradient: headsView(dv),
  };
  const forward = createTapeWriter();
  attentionWords(instruction, forward);
  const backward = createTapeWriter();
  attentionGradientWords(instruction, backward);
  const rows = attentionRows(s);
  const cases = [
    {
      opcode: opAttention,
      rows,
      words: forward.words,
      scratchBytes: attentionScratchBytes(s, realBytes),
      bindings,
    },
    {
      opcode: opAttentionGradient,
      rows,
      words: backward.words,
      scratchBytes: attentionGradientScratchBytes(s, realBytes),
      bindings,
    },
  ];
  return { cases, bindings };
}

/** Runs forward, then backward on what forward left. */
function runAndCompare(driver: string, solved: readonly Solved[], realBytes: 4 | 8): void {
  const prepared = solved.map((one) => prepare(one, realBytes));
  for (const step of [0, 1]) {
    runCases(
      driver,
      prepared.map(({ cases }) => cases[step]!),
    );
  }
  solved.forEach(({ layout, after }, index) => {
    // Large scores lose digits before the exponential sees them.
    const tolerance = (realBytes === 4 ? 2e-5 : 1e-11) * Math.max(1, layout.scale);
    after.forEach((wanted, array) => {
      const got = prepared[index]!.bindings[array]!;
      for (let i = 0; i < wanted.length; i++) {
        const error = Math.abs(got[i]! - wanted[i]!);
        if (!Object.is(got[i], wanted[i]) && !(error <= tolerance * (1 + Math.abs(wanted[i]!))))
          expect.fail(`array ${array}[${i}]: ${got[i]} for ${wanted[i]} in ${JSON.stringify(layout)}`);
      }
    });
  });
}

const layoutArbitrary: fc.Arbitrary<Layout> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    queryLength: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 9, max: 70 })),
    keyLength: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 9, max: 70 })),
    keyHeads: fc.integer({ min: 1, max: 2 }),
    group: fc.integer({ min: 1, max: 3 }),
    width: fc.oneof(fc.constantFrom(1, 8, 16, 25, 32, 64), fc.integer({ min: 1, max: 70 })),
    valueWidth: fc.oneof(fc.constantFrom(1, 8, 16, 25, 32, 64), fc.integer({ min: 1, max: 70 })),
    causal: fc.boolean(),
    window: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
    offset: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 80 })),
    scale: fc.constantFrom(0.25, 1, 0.7),
    fused: fc.boolean(),
    fine: fc.boolean(),
    seed: fc.integer({ min: 0, max: 1e6 }),
  })
  .map(({ group, ...s }) => ({
    ...s,
    queryHeads: s.keyHeads * group,
    queryLength: s.fused ? s.keyLength : s.queryLength,
  }));

const base: Layout = {
  batch: 2,
  queryLength: 128,
  keyLength: 128,
  queryHeads: 2,
  keyHeads: 2,
  width: 16,
  valueWidth: 16,
  causal: true,
  window: 0,
  offset: 0,
  scale: 0.25,
  fused: false,
  fine: true,
  seed: 1,
};

/** What generated shapes seldom reach: several blocks of keys, and the shapes that models have. */
const chosen: readonly Layout[] = [
  { ...base, fused: true },
  { ...base, queryLength: 300, keyLength: 300, batch: 1, keyHeads: 1 },
  { ...base, queryLength: 530, keyLength: 530, batch: 1, queryHeads: 1, keyHeads: 1, window: 300 },
  { ...base, queryLength: 3, keyLength: 600, offset: 560, keyHeads: 1, fine: false },
  { ...base, queryLength: 20, keyLength: 600, offset: 560, causal: false, window: 290 },
  { ...base, queryLength: 1, keyLength: 600, offset: 555, width: 64, valueWidth: 70, scale: 0.125 },
  {
    ...base,
    queryLength: 100,
    keyLength: 100,
    batch: 1,
    width: 128,
    valueWidth: 128,
    scale: 0.1,
    fine: false,
  },
  {
    ...base,
    queryLength: 110,
    keyLength: 110,
    batch: 1,
    queryHeads: 1,
    keyHeads: 1,
    width: 300,
    valueWidth: 310,
    scale: 0.06,
  },
  { ...base, queryLength: 20, keyLength: 30, offset: 100, window: 20 },
  { ...base, queryLength: 2, keyLength: 30, offset: 100, window: 20 },
  { ...base, scale: 40 },
];

const generated = fc.sample(layoutArbitrary, { numRuns: 50, seed: 5 }).map(solve);
const long = chosen.map(solve);

for (const build of builds) {
  describe(`attention, ${build.name}`, () => {
    const driver = compileDriver(build);

    test("agrees with the definition, and so does its gradient", () => {
      runAndCompare(driver, generated, build.realBytes);
    });

    test("agrees on long sequences, cached decoding and large scores", () => {
      runAndCompare(driver, long, build.realBytes);
    });

    test("hands NaN on", () => {
      const one = solve({ ...base, batch: 1, queryHeads: 1, keyHeads: 1 });
      const { cases, bindings } = prepare(one, build.realBytes);
      const { q, out } = one.views;
      const row = 40;
      bindings[one.views.arrays.indexOf(q.values)]![q.start + row * q.token] = Number.NaN;
      runCases(driver, cases.slice(0, 1));
      const got = bindings[one.views.arrays.indexOf(out.values)]!;
      expect(got[out.start + row * out.token]).toBeNaN();
      expect(got[out.start + (row - 1) * out.token]).not.toBeNaN();
    });
  });
}

test("the definition's gradient is the limit of differences", () => {
  const layout = {
    ...base,
    batch: 1,
    queryLength: 5,
    keyLength: 6,
    queryHeads: 4,
    width: 3,
    valueWidth: 2,
    offset: 1,
  };
  const { views: all } = solve({ ...layout, window: 4 });
  const { q, k, v, out, dOut } = all;
  const loss = (): number => {
    const result = { ...out, values: new Float64Array(out.values.length) };
    attend({ ...layout, window: 4 }, q, k, v, result, new Float64Array(100));
    return result.values.reduce((sum, x, i) => sum + x * dOut.values[i]!, 0);
  };
  const step = 1e-6;
  for (const [x, dx, length, heads, width] of [
    [q, all.dq, 5, 4, 3],
    [k, all.dk, 6, 2, 3],
    [v, all.dv, 6, 2, 2],
  ] as const) {
    for (const start of rowStarts(layout, x, length, heads)) {
      for (let i = start; i < start + width; i++) {
        const kept = x.values[i]!;
        x.values[i] = kept + step;
        const above = loss();
        x.values[i] = kept - step;
        const below = loss();
        x.values[i] = kept;
        expect(dx.values[i]).toBeCloseTo((above - below) / (2 * step), 7);
      }
    }
  }
});
