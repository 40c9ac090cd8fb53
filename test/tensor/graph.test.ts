// The graph itself: leaves, order, programs, substitution, and differentiation as a transform of graphs.
import { describe, expect, test } from "vitest";
import {
  add,
  apply,
  cast,
  evaluate,
  exp,
  fill,
  fillValue,
  gradients,
  input,
  inputName,
  iota,
  literal,
  multiply,
  normalizeAxis,
  type Op,
  program,
  programInputs,
  programResults,
  sine,
  square,
  substitute,
  sum,
  topologicalOrder,
  vectorJacobian,
} from "../../src/tensor/index.ts";
import { checkGradient, expectClose, numbers, value } from "./harness.ts";

describe("leaves", () => {
  test("hold what they say", () => {
    expect(numbers(() => iota([2, 3], 1))).toEqual([0, 1, 2, 0, 1, 2]);
    expect(numbers(() => iota([2, 3], -2))).toEqual([0, 0, 0, 1, 1, 1]);
    expect(numbers(() => fill(7, [2]))).toEqual([7, 7]);
    expect(numbers(() => literal([1, 2], [2]))).toEqual([1, 2]);
    expect(fillValue(fill(7, [2]))).toBe(7);
    expect(fillValue(iota([2], 0))).toBeUndefined();
    expect(inputName(input("weight", [2]))).toBe("weight");
    expect(inputName(fill(0))).toBeUndefined();
  });

  test("say what does not fit", () => {
    expect(() => literal([1, 2, 3], [2])).toThrow(/3 values for shape \[2\]/);
    expect(() => input("x", [1.5])).toThrow(/impossible shape/);
    expect(() => normalizeAxis(3, 2, "test")).toThrow(/test: axis 3 of a tensor with 2 axes/);
    expect(() => evaluate([input("x", [])], {})).toThrow(/no value for input "x"/);
  });
});

describe("programs", () => {
  const x = input("x", [2]);
  const w = input("w", [2]);

  test("know their inputs and results", () => {
    const of = program({ y: multiply(x, w) }, { w: add(w, 1) });
    expect([...programInputs(of).keys()].sort()).toEqual(["w", "x"]);
    expect(programResults(of)).toHaveLength(2);
  });

  test("say what does not fit", () => {
    expect(() => program({}, { w: fill(0, [3]) })).not.toThrow();
    expect(() => program({ y: w }, { w: sum(w) })).toThrow(/update of w/);
    expect(() => program({ w: add(w, x) })).toThrow(/both an input and an output/);
    expect(() => program({ y: x }, { y: x })).toThrow(/both an output and an update/);
    expect(() => program({ y: add(x, sum(input("x", [3]))) })).toThrow(/used as/);
  });
});

describe("order and substitution", () => {
  test("inputs come before what needs them", () => {
    const x = input("x", []);
    const y = multiply(add(x, 1), exp(x));
    const order = topologicalOrder([y]);
    const place = new Map(order.map((node, i) => [node, i]));
    for (const node of order) {
      for (const { node: before } of node.inputs) expect(place.get(before)!).toBeLessThan(place.get(node)!);
    }
    expect(topologicalOrder([y], new Set([y.node]))).toEqual([y.node]);
  });

  test("substitute rebuilds only what changes", () => {
    const [x, w, z] = [input("x", []), input("w", []), input("z", [])];
    const kept = sine(w);
    const y = multiply(exp(x), kept);
    const [replaced, same] = substitute([y, kept], new Map([[x, square(z)]]));
    expect(same).toBe(kept);
    const names = topologicalOrder([replaced!]).flatMap((node) => inputName(node.outputs[0]!) ?? []);
    expect(names.sort()).toEqual(["w", "z"]);
    const at = (v: number) => ({ shape: [], data: Float64Array.of(v) });
    expectClose(evaluate([replaced!], { w: at(0.5), z: at(2) })[0]!.data, [Math.exp(4) * Math.sin(0.5)]);
    expect(substitute([x], new Map([[x, z]]))).toEqual([z]);
  });
});

describe("gradients", () => {
  test("are zero where nothing depends", () => {
    expect(numbers((x) => gradients(fill(3), [x]), value([1, 2]))).toEqual([0, 0]);
    expect(() => gradients(input("x", [2]), [])).toThrow(/expected one number/);
  });

  test("add up over every path, for inner tensors too", () => {
    const build = (x: Parameters<typeof sine>[0] & object) => {
      const inner = sine(x);
      return gradients(sum(add(multiply(inner, inner), multiply(inner, x))), [inner, x]);
    };
    const x = 0.7;
    const at = value([x], []);
    expectClose(
      numbers((t) => build(t)[0]!, at),
      [2 * Math.sin(x) + x],
    );
    expectClose(
      numbers((t) => build(t)[1]!, at),
      [(2 * Math.sin(x) + x) * Math.cos(x) + Math.sin(x)],
    );
  });

  test("third derivatives", () => {
    const third = numbers(
      (x) => {
        const [first] = gradients(exp(square(x)), [x]);
        const [second] = gradients(first!, [x]);
        return gradients(second!, [x]);
      },
      value([0.5], []),
    );
    expectClose(third, [(8 * 0.125 + 12 * 0.5) * Math.exp(0.25)]);
  });

  test("stop at a cut", () => {
    const x = input("x0", []);
    const inner = square(x);
    const [dInner, dx] = vectorJacobian([sine(inner)], [fill(1)], [inner, x], {
      cut: new Set([inner.node]),
    });
    const at = value([0.7], []);
    expectClose(
      numbers(() => dInner!, at),
      [Math.cos(0.49)],
    );
    expectClose(
      numbers(() => dx!, at),
      [0],
    );
  });

  test("of a composite come from what it stands for, also where one tensor is two of its inputs", () => {
    const product: Op<undefined> = {
      name: "product",
      lowering: "kernel",
      infer: ([a]) => [a!],
      decompose: ([a, b]) => [multiply(a!, sine(b!))],
      flops: () => 1,
    };
    const x = value([0.3, 0.9]);
    checkGradient((a, b) => apply(product, [a, b], undefined), [x, value([1.1, -0.2])]);
    checkGradient((a) => apply(product, [a, a], undefined), [x]);
  });

  test("of an op without rule and definition are refused by name", () => {
    const opaque: Op<undefined> = {
      name: "opaque",
      lowering: "kernel",
      infer: ([a]) => [a!],
      evaluate: ([a]) => [a!],
      flops: () => 0,
    };
    const x = input("x", []);
    expect(() => gradients(apply(opaque, [x], undefined), [x])).toThrow(/opaque has no gradient/);
    expect(numbers((t) => gradients(cast(t, "f32"), [t]), value([1], []))).toEqual([1]);
  });

  test("an op with neither reference nor definition is refused by name", () => {
    const hollow: Op<undefined> = {
      name: "hollow",
      lowering: "kernel",
      infer: ([a]) => [a!],
      flops: () => 0,
    };
    expect(() => numbers((t) => apply(hollow, [t], undefined), value([1]))).toThrow(/hollow has neither/);
  });
});
