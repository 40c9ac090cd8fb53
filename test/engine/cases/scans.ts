// Loops: carries, stacked outputs, constants, both directions, kept and chunked carries, loops within loops.
import fc from "fast-check";
import {
  add,
  cast,
  concatenate,
  flip,
  gather,
  iota,
  layerNorm,
  linear,
  matmul,
  multiply,
  reshape,
  scan,
  sigmoid,
  slice,
  softmax,
  split,
  square,
  subtract,
  sum,
  swapLast,
  type Tensor,
  tanh,
  topK,
  transpose,
} from "../../../src/tensor/index.ts";
import { uniformValue, wholeValue } from "../../tensor/harness.ts";
import { type Case, few, opCase } from "../suite.ts";

const steps = fc.constantFrom(1, 2, 3, 4, 5, 7, 9, 16, 17);
const width = fc.constantFrom(1, 2, 5, 8, 17, 33);

const simple: readonly Case[] = [
  opCase("scan: a running product", fc.tuple(steps, width, fc.boolean()), ([length, d, reverse]) => ({
    values: (random) => [uniformValue(random, [d]), uniformValue(random, [length, d])],
    build: (h0, x) => {
      const { carries, outputs } = scan({ length, carries: [h0!], sequences: [x!], reverse }, ([h], [e]) => {
        const next = add(multiply(h!, 0.9), multiply(e!, h!));
        return { carries: [next], outputs: [square(next)] };
      });
      return [...carries, ...outputs];
    },
  })),
  opCase(
    "scan: a recurrent network",
    fc.tuple(steps, few, width, width, fc.boolean()),
    ([length, batch, d, e, reverse]) => ({
      values: (random) => [
        uniformValue(random, [batch, d]),
        uniformValue(random, [length, batch, e]),
        uniformValue(random, [d, d], -0.4, 0.4),
        uniformValue(random, [e, d], -0.4, 0.4),
      ],
      build: (h0, x, recurrent, into) => {
        const { carries, outputs } = scan(
          { length, carries: [h0!], sequences: [x!], reverse },
          ([h], [at]) => {
            const next = tanh(add(matmul(h!, recurrent!), matmul(at!, into!)));
            return { carries: [next], outputs: [next] };
          },
        );
        return [carries[0]!, outputs[0]!];
      },
    }),
  ),
  opCase("scan: two states that change places", fc.tuple(steps, width), ([length, d]) => ({
    values: (random) => [
      uniformValue(random, [d]),
      uniformValue(random, [d]),
      uniformValue(random, [length, d]),
    ],
    build: (p, q, x) => {
      const { carries, outputs } = scan({ length, carries: [p!, q!], sequences: [x!] }, ([a, b], [e]) => ({
        carries: [b!, a!],
        outputs: [add(a!, e!), b!],
      }));
      return [...carries, ...outputs];
    },
  })),
  opCase("scan: three states that rotate and one that stays", fc.tuple(steps, width), ([length, d]) => ({
    values: (random) => [0, 1, 2, 3].map(() => uniformValue(random, [d])),
    build: (...states) => {
      const { carries, outputs } = scan({ length, carries: states }, ([a, b, c, still]) => ({
        carries: [b!, c!, add(multiply(a!, 0.5), still!), still!],
        outputs: [multiply(a!, c!), still!],
      }));
      return [...carries, ...outputs];
    },
  })),
  opCase("scan: no carries, only a map", fc.tuple(steps, width, width), ([length, d, e]) => ({
    values: (random) => [uniformValue(random, [length, d, e]), uniformValue(random, [e])],
    build: (x, b) => {
      const { outputs } = scan({ length, sequences: [x!] }, (_, [at]) => ({
        carries: [],
        outputs: [softmax(add(at!, b!)), swapLast(at!), at!],
      }));
      return outputs;
    },
  })),
  opCase("scan: elements behind views", fc.tuple(steps, width, few), ([length, d, batch]) => ({
    values: (random) => [uniformValue(random, [batch, length, d]), uniformValue(random, [batch, d])],
    build: (x, h0) => {
      const { carries, outputs } = scan(
        {
          length,
          carries: [h0!],
          sequences: [transpose(x!, [1, 0, 2]), flip(swapLast(transpose(x!, [1, 2, 0])), [0])],
        },
        ([h], [e, f]) => {
          const next = add(multiply(h!, 0.5), multiply(e!, sigmoid(f!)));
          return { carries: [next], outputs: [flip(next, [1]), sum(next, [1])] };
        },
      );
      return [carries[0]!, transpose(outputs[0]!, [1, 0, 2]), outputs[1]!];
    },
  })),
];

const rich: readonly Case[] = [
  opCase(
    "scan: a state larger than a step reads, in chunks",
    fc.tuple(fc.constantFrom(4, 6, 7, 9, 13), fc.constantFrom(4, 9), fc.boolean()),
    ([length, d, reverse]) => ({
      values: (random) => [
        uniformValue(random, [d, d]),
        uniformValue(random, [length, d]),
        uniformValue(random, [length, d]),
      ],
      build: (s0, k, v) => {
        const { carries, outputs } = scan(
          { length, carries: [s0!], sequences: [k!, v!], reverse },
          ([s], [key, value]) => {
            const outer = multiply(reshape(key!, [d, 1]), reshape(value!, [1, d]));
            const next = add(multiply(s!, 0.8), outer);
            return { carries: [next], outputs: [reshape(matmul(reshape(key!, [1, d]), next), [d])] };
          },
        );
        return [...carries, ...outputs];
      },
    }),
    { derivatives: 1 },
  ),
  opCase(
    "scan: a loop within a loop",
    fc.tuple(fc.constantFrom(2, 3, 5), fc.constantFrom(2, 4), width),
    ([length, inside, d]) => ({
      values: (random) => [
        uniformValue(random, [d]),
        uniformValue(random, [length, inside, d]),
        uniformValue(random, [d]),
      ],
      build: (h0, x, b) => {
        const { carries, outputs } = scan({ length, carries: [h0!], sequences: [x!] }, ([h], [block]) => {
          const inner = scan(
            { length: inside, carries: [h!], sequences: [block!], reverse: true },
            ([g], [e]) => {
              const next = tanh(add(multiply(g!, b!), e!));
              return { carries: [next], outputs: [multiply(next, h!)] };
            },
          );
          return { carries: [inner.carries[0]!], outputs: [inner.outputs[0]!, sum(inner.outputs[0]!)] };
        });
        return [...carries, ...outputs];
      },
    }),
  ),
  opCase(
    "scan: kernels inside",
    fc.tuple(fc.constantFrom(2, 5), fc.constantFrom(4, 17)),
    ([length, d]) => ({
      values: (random) => [
        uniformValue(random, [3, d]),
        uniformValue(random, [length, 3, d]),
        wholeValue(random, [length, 3], 0, 3),
        uniformValue(random, [d], 0.5, 1.5),
      ],
      build: (h0, x, picks, scale) => {
        const { carries, outputs } = scan(
          { length, carries: [h0!], sequences: [x!, picks!] },
          ([h], [e, at]) => {
            const mixed = gather(layerNorm(add(h!, e!), scale!, undefined, 0.1), at!);
            const best = topK(mixed, 2);
            return { carries: [mixed], outputs: [best.values, concatenate([e!, mixed], 0)] };
          },
        );
        return [...carries, ...outputs];
      },
    }),
    { derivatives: 1 },
  ),
  opCase("scan: integer state and counters", fc.tuple(steps, width), ([length, d]) => ({
    values: (random) => [uniformValue(random, [d]), wholeValue(random, [length, d], 0, 5)],
    build: (x, counts) => {
      const { carries, outputs } = scan(
        { length, carries: [x!, iota([d], 0)], sequences: [counts!] },
        ([h, n], [c]) => ({
          carries: [add(multiply(h!, 0.5), cast(n!, "f32")), add(n!, c!)],
          outputs: [n!, multiply(h!, cast(c!, "f32"))],
        }),
      );
      return [...carries, ...outputs];
    },
  })),
  opCase(
    "scan: an LSTM",
    fc.tuple(fc.constantFrom(3, 8), few, fc.constantFrom(3, 16)),
    ([length, batch, d]) => ({
      values: (random) => [
        uniformValue(random, [length, batch, d]),
        uniformValue(random, [batch, d]),
        uniformValue(random, [2 * d, 4 * d], -0.3, 0.3),
        uniformValue(random, [4 * d], -0.3, 0.3),
      ],
      build: (x, h0, w, b) => {
        const { carries, outputs } = scan(
          { length, carries: [h0!, multiply(h0!, 0.5)], sequences: [x!] },
          ([h, c], [e]) => {
            const gates = add(linear(concatenate([h!, e!], 1), w!), b!);
            const [i, f, o, g] = split(gates, [d, d, d, d], 1) as [Tensor, Tensor, Tensor, Tensor];
            const cell = add(multiply(sigmoid(f), c!), multiply(sigmoid(i), tanh(g)));
            const hidden = multiply(sigmoid(o), tanh(cell));
            return { carries: [hidden, cell], outputs: [hidden] };
          },
        );
        return [...carries, ...outputs];
      },
    }),
    { derivatives: 1 },
  ),
  opCase(
    "scan: one after the other and shared outside",
    fc.tuple(fc.constantFrom(2, 5), fc.constantFrom(3, 20)),
    ([length, d]) => ({
      values: (random) => [uniformValue(random, [length, d]), uniformValue(random, [d])],
      build: (x, h0) => {
        const running = (sequence: Tensor, reverse: boolean) =>
          scan({ length, carries: [h0!], sequences: [sequence], reverse }, ([h], [e]) => {
            const next = add(multiply(h!, 0.7), e!);
            return { carries: [next], outputs: [next] };
          });
        const forward = running(square(x!), false);
        const back = running(forward.outputs[0]!, true);
        const last = slice(back.outputs[0]!, { 0: [0, 1] });
        return [
          forward.outputs[0]!,
          back.carries[0]!,
          subtract(last, forward.carries[0]!),
          add(forward.outputs[0]!, back.outputs[0]!),
        ];
      },
    }),
  ),
];

export const scanCases: readonly Case[] = [...simple, ...rich];
