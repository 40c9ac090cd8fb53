// Every optimiser over several updates against plain float64 code, element by element.
import { describe, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import type { Role } from "../../src/nn/parameters.ts";
import { evaluate, input, type NdArray } from "../../src/tensor/index.ts";
import { orthogonalize } from "../../src/train/muon.ts";
import { createOptimizer } from "../../src/train/optimizers.ts";
import { generator, uniformValue } from "../tensor/harness.ts";

const UPDATES = 4;
const RATE = 0.07;

type Rule = (value: number[], gradient: number[], update: number, rate: number) => number[];

/** Runs the graph's updates and the plain rule's on the same gradients; both must agree. */
function expectSame(
  settings: Record<string, unknown> & { name: string },
  rule: Rule,
  { shape = [3, 2], role = "hidden" as Role, decays = true, gradientScale = 1 } = {},
) {
  const optimizer = createOptimizer(settings);
  const random = generator(3);
  const parameter = {
    name: "p",
    shape,
    role,
    decays,
    initializer: { kind: "constant", value: 0 } as const,
  };
  const names = optimizer.states(parameter);
  let value: NdArray = uniformValue(random, shape);
  let plain = [...value.data];
  let states = Object.fromEntries(
    names.map((name): [string, NdArray] => [name, { shape, data: value.data.map(() => 0) }]),
  );
  const scalarNames = Object.keys(optimizer.scalars(1, RATE));
  const result = optimizer.update(
    parameter,
    input("value", shape),
    input("gradient", shape),
    Object.fromEntries(names.map((name) => [name, input(name, shape)])),
    Object.fromEntries(scalarNames.map((name) => [name, input(name, [])])),
  );
  for (let update = 1; update <= UPDATES; update++) {
    const gradient = uniformValue(random, shape, -gradientScale, gradientScale);
    const rate = RATE / update;
    const scalars = Object.entries(optimizer.scalars(update, rate)).map(
      ([name, scalar]): [string, NdArray] => [name, { shape: [], data: Float64Array.of(scalar) }],
    );
    const [next, ...nextStates] = evaluate([result.value, ...names.map((name) => result.states[name]!)], {
      value,
      gradient,
      ...states,
      ...Object.fromEntries(scalars),
    });
    plain = rule(plain, [...gradient.data], update, rate);
    next!.data.forEach((actual, i) => {
      expect(actual).toBeCloseTo(plain[i]!, 12);
    });
    value = next!;
    states = Object.fromEntries(names.map((name, i) => [name, nextStates[i]!]));
  }
}

/** Adam's direction m̂/(√v̂ + ε), with its own memory. */
function adamDirection(beta1: number, beta2: number, epsilon: number) {
  const m: number[] = [];
  const v: number[] = [];
  return (gradient: number[], update: number) =>
    gradient.map((g, i) => {
      m[i] = beta1 * (m[i] ?? 0) + (1 - beta1) * g;
      v[i] = beta2 * (v[i] ?? 0) + (1 - beta2) * g * g;
      return m[i]! / (1 - beta1 ** update) / (Math.sqrt(v[i]! / (1 - beta2 ** update)) + epsilon);
    });
}

describe("adamw", () => {
  const rule = (weightDecay: number): Rule => {
    const direction = adamDirection(0.8, 0.95, 1e-6);
    return (value, gradient, update, rate) => {
      const step = direction(gradient, update);
      return value.map((p, i) => p - rate * weightDecay * p - rate * step[i]!);
    };
  };
  const settings = { name: "adamw", beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.3 };
  test("with decay", () => expectSame(settings, rule(0.3)));
  test("on a parameter that does not decay", () => expectSame(settings, rule(0), { decays: false }));
});

describe("sgd", () => {
  const rule = (mu: number, nesterov: boolean, weightDecay: number): Rule => {
    const m: number[] = [];
    return (value, gradient, _, rate) =>
      value.map((p, i) => {
        const d = gradient[i]! + weightDecay * p;
        m[i] = mu * (m[i] ?? 0) + d;
        return p - rate * (nesterov ? d + mu * m[i]! : m[i]!);
      });
  };
  test("plain", () => expectSame({ name: "sgd", momentum: 0 }, rule(0, false, 0)));
  test("momentum and decay", () => expectSame({ name: "sgd", weightDecay: 0.1 }, rule(0.9, false, 0.1)));
  test("Nesterov", () => expectSame({ name: "sgd", nesterov: true }, rule(0.9, true, 0)));
});

describe("lamb", () => {
  const norm = (x: number[]) => Math.sqrt(x.reduce((total, value) => total + value * value, 0));
  const direction = adamDirection(0.9, 0.999, 1e-6);
  test("scales the step to the parameter's norm", () =>
    expectSame({ name: "lamb", weightDecay: 0.2 }, (value, gradient, update, rate) => {
      const adam = direction(gradient, update);
      const r = value.map((p, i) => adam[i]! + 0.2 * p);
      return value.map((p, i) => p - rate * (norm(value) / norm(r)) * r[i]!);
    }));
  test("a zero gradient and no decay change nothing", () =>
    expectSame({ name: "lamb", weightDecay: 0 }, (value) => value, { gradientScale: 0 }));
});

describe("muon", () => {
  type Matrix = number[][];
  const product = (a: Matrix, b: Matrix): Matrix =>
    a.map((row) => b[0]!.map((_, j) => row.reduce((total, value, k) => total + value * b[k]![j]!, 0)));
  const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
  /** Jordan's five steps, on the wide side. */
  const newtonSchulz = (matrix: Matrix): Matrix => {
    if (matrix.length > matrix[0]!.length) return transposed(newtonSchulz(transposed(matrix)));
    const norm = Math.sqrt(matrix.flat().reduce((total, value) => total + value * value, 0));
    let x = matrix.map((row) => row.map((value) => value / (norm + 1e-7)));
    for (let step = 0; step < 5; step++) {
      const gram = product(x, transposed(x));
      const square = product(gram, gram);
      const mixed = gram.map((row, i) => row.map((value, j) => -4.775 * value + 2.0315 * square[i]![j]!));
      const rest = product(mixed, x);
      x = x.map((row, i) => row.map((value, j) => 3.4445 * value + rest[i]![j]!));
    }
    return x;
  };
  const rule = (rows: number, columns: number): Rule => {
    let m: number[] = [];
    return (value, gradient, _, rate) => {
      m = gradient.map((g, i) => 0.95 * (m[i] ?? 0) + g);
      const u = gradient.map((g, i) => g + 0.95 * m[i]!);
      const matrix = Array.from({ length: rows }, (_, i) => u.slice(i * columns, (i + 1) * columns));
      const step = newtonSchulz(matrix).flat();
      const stretch = Math.sqrt(Math.max(1, columns / rows));
      return value.map((p, i) => p - rate * 0.1 * p - rate * stretch * step[i]!);
    };
  };
  test("wide matrices", () => expectSame({ name: "muon" }, rule(2, 5), { shape: [2, 5] }));
  test("tall matrices", () => expectSame({ name: "muon" }, rule(5, 2), { shape: [5, 2] }));
  test("AdamW for the rest", () => {
    const direction = adamDirection(0.9, 0.95, 1e-8);
    const adam: Rule = (value, gradient, update, rate) => {
      const step = direction(gradient, update);
      return value.map((p, i) => p - 0.015 * rate * 0.1 * p - 0.015 * rate * step[i]!);
    };
    expectSame({ name: "muon" }, adam, { role: "embedding" });
  });
  test("brings singular values between about 0.7 and 1.2", () => {
    const matrix = uniformValue(generator(8), [4, 6]);
    const [x] = evaluate([orthogonalize(input("x", [4, 6]))], { x: matrix });
    const rows = Array.from({ length: 4 }, (_, i) => [...x!.data.subarray(i * 6, (i + 1) * 6)]);
    const gram = product(rows, transposed(rows));
    gram.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(Math.abs(value - (i === j ? 1 : 0))).toBeLessThan(0.6);
      });
    });
  });
});

describe("requests", () => {
  const messageOf = (settings: unknown) => {
    try {
      createOptimizer(settings);
    } catch (error) {
      expect(error).toBeInstanceOf(RequestError);
      return (error as Error).message;
    }
    throw new Error("was accepted");
  };
  test("an unknown name suggests the nearest", () => {
    expect(messageOf("adamww")).toContain("did you mean adamw?");
    expect(messageOf({ name: "toString" })).toContain("expected one of adamw, sgd, lamb, muon");
    expect(messageOf(null)).toContain("expected one of");
  });
  test("an unknown setting suggests the nearest", () => {
    expect(messageOf({ name: "adamw", weightdecay: 1 })).toContain('did you mean "weightDecay"?');
  });
  test("impossible values", () => {
    expect(messageOf({ name: "adamw", beta1: 1 })).toContain("beta1 is 1; expected");
    expect(messageOf({ name: "sgd", momentum: -0.1 })).toContain("momentum is -0.1");
    expect(messageOf({ name: "lamb", epsilon: 0 })).toContain("epsilon is 0");
    expect(messageOf({ name: "muon", restRate: Number.NaN })).toContain("restRate is NaN");
  });
});
