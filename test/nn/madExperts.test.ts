// mad-lab's experts against its code, in plain loops.
import { expect, test } from "vitest";
import { countParameters } from "../../src/architecture/count.ts";
import { RequestError } from "../../src/errors.ts";
import { madExperts } from "../../src/nn/madExperts.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, total } from "./mixers.ts";
import { geluTanh, softmax } from "./plainMoe.ts";

function expertsCase(experts: number, chosen: number, others: "zero" | "out", bias = false): MixerCase {
  const width = 3;
  const inner = 2 * experts;
  return {
    primitive: madExperts,
    settings: { experts, chosen, others, feedforward: 2, bias, unusedGates: false },
    width,
    length: 4,
    plain: (x, p) =>
      x.map((row) => {
        const up = linear(p, "up", row, inner, bias);
        const gate = linear(p, "gate", row, inner, bias).map(geluTanh);
        const down = linear(
          p,
          "down",
          list(inner, (i) => up[i]! * gate[i]!),
          experts * width,
          bias,
        );
        const scores = linear(p, "router", row, experts, true);
        const least = [...scores].sort((a, b) => b - a)[chosen - 1]!;
        const kept = scores.map((score) => (score >= least ? score : others === "zero" ? 0 : -1e30));
        const weights = softmax(kept);
        return list(width, (d) => total(experts, (e) => weights[e]! * down[d * experts + e]!));
      }),
  };
}

test("equals its code, gradients by differences", () => {
  checkMixer(expertsCase(4, 2, "zero"));
  checkMixer(expertsCase(3, 1, "out", true));
});

test("experts that are not chosen take part, unless they are left out", () => {
  const zero = expertsCase(4, 2, "zero");
  expect(() => checkMixer({ ...zero, plain: expertsCase(4, 2, "out").plain })).toThrow();
  expect(() => checkMixer({ ...zero, plain: expertsCase(4, 4, "zero").plain })).toThrow();
});

test("sees no later token", () => {
  checkCausal(expertsCase(3, 2, "zero"));
});

test("has mad-lab's count at width 128", () => {
  const count = (settings: Record<string, unknown>) => {
    const source = inputSource();
    const module = madExperts.configure("moe-mlp", settings, { width: 128, standardDeviation: 0.02 });
    module.apply(rootScope({ source }), input("x", [1, 2, 128]));
    return countParameters(source.declared);
  };
  expect(count({})).toMatchObject({ total: 165_000, active: 164_872 });
  expect(count({ unusedGates: false }).total).toBe(164_872);
});

test("more chosen than there are is refused", () => {
  const configure = () => madExperts.configure("moe-mlp", { chosen: 9 }, { width: 4, standardDeviation: 1 });
  expect(configure).toThrow(new RequestError("moe-mlp: chosen is 9; expected at most the 8 experts"));
});
