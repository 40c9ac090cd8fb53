// Random loops.
import {
  add,
  flip,
  linear,
  mean,
  multiply,
  scan,
  sigmoid,
  softmax,
  square,
  sum,
  tanh,
} from "../../../src/tensor/index.ts";
import { type Apply, newLeaf, ofShape } from "./pool.ts";

export const loop: Apply = (pool, x, choice) => {
  if (x.shape.length === 0) return x;
  const [length, ...rest] = x.shape as [number, ...number[]];
  const reverse = choice.below(2) === 0;
  const kind = choice.below(5);
  const width = rest.at(-1) ?? 1;
  const carry = ofShape(pool, choice, rest);
  const other = ofShape(pool, choice, rest);
  switch (kind) {
    case 0: {
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const next = tanh(add(multiply(h!, 0.8), multiply(e!, other)));
        return { carries: [next], outputs: [next] };
      });
      return [...carries, ...outputs];
    }
    case 1: {
      if (rest.length === 0) return x;
      const weight = newLeaf(pool, [width, width]);
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const next = tanh(add(multiply(linear(h!, weight), 1 / Math.sqrt(width)), e!));
        return { carries: [next], outputs: [mean(next, [-1], true), multiply(next, e!)] };
      });
      return [...carries, ...outputs];
    }
    case 2: {
      // Two carries that change places, and an output that is a carry as it came.
      const { carries, outputs } = scan(
        { length, carries: [carry, other], sequences: [x], reverse },
        ([a, b], [e]) => ({
          carries: [b!, add(multiply(a!, 0.5), e!)],
          outputs: [a!, multiply(b!, e!)],
        }),
      );
      return [...carries, ...outputs];
    }
    case 3: {
      // A step that mixes over its axes.
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const mixed = rest.length === 0 ? sigmoid(h!) : softmax(add(h!, e!));
        return {
          carries: [
            add(
              multiply(
                flip(
                  h!,
                  rest.map((_, i) => i),
                ),
                0.5,
              ),
              mixed,
            ),
          ],
          outputs: [sum(mixed)],
        };
      });
      return [...carries, ...outputs];
    }
    default: {
      // A loop within a loop.
      const { carries, outputs } = scan({ length, carries: [carry], sequences: [x], reverse }, ([h], [e]) => {
        const inner = scan({ length: 3, carries: [h!] }, ([g]) => {
          const next = tanh(add(multiply(g!, 0.7), e!));
          return { carries: [next], outputs: [sum(square(next))] };
        });
        return { carries: [inner.carries[0]!], outputs: [inner.outputs[0]!] };
      });
      return [...carries, ...outputs];
    }
  }
};
