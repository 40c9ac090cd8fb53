// LSTM against the textbook's equations in plain loops.
import fc from "fast-check";
import { expect, test } from "vitest";
import { initialValues } from "../../src/nn/initialize.ts";
import { lstm } from "../../src/nn/lstm.ts";
import { inputSource } from "../../src/nn/parameters.ts";
import { rootScope } from "../../src/nn/scope.ts";
import { input } from "../../src/tensor/index.ts";
import { forAll, size } from "../tensor/harness.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, type Plain, sigmoid } from "./mixers.ts";

const plain =
  (hidden: number): Plain =>
  (x, p) => {
    const width = x[0]!.length;
    let h = list(hidden, () => 0);
    let c = list(hidden, () => 0);
    return x.map((row) => {
      const driven = linear(p, "input", row, 4 * hidden, true);
      const recurrent = linear(p, "recurrent", h, 4 * hidden);
      const gate = (which: number, j: number) => driven[which * hidden + j]! + recurrent[which * hidden + j]!;
      c = c.map((before, j) => sigmoid(gate(1, j)) * before + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)));
      h = c.map((cell, j) => sigmoid(gate(3, j)) * Math.tanh(cell));
      return hidden === width ? h : linear(p, "output", h, width);
    });
  };

const small: MixerCase = { primitive: lstm, width: 4, length: 7, plain: plain(4) };

test("equals its equations, gradients by differences", () => {
  checkMixer(small);
  checkMixer({ ...small, settings: { hidden: 5 }, plain: plain(5), length: 3 });
});

test("equals them in any shape", () => {
  forAll(fc.record({ hidden: size(), width: size(), length: size(9) }), ({ hidden, width, length }) => {
    const of = { primitive: lstm, settings: { hidden }, width, length, plain: plain(hidden) };
    checkMixer(of, { gradients: false });
  });
});

test("stays exact where cells decay by e^-20 a step", () => {
  checkMixer({
    ...small,
    length: 12,
    change: (name, value, place) => (name === "input.bias" && place >= 4 && place < 8 ? -20 : value),
  });
});

test("sees no later token", () => {
  checkCausal(small);
});

test("only the forget gate's bias begins at 1", () => {
  const source = inputSource();
  const module = lstm.configure("lstm", {}, { width: 3, standardDeviation: 1 });
  module.apply(rootScope({ source }), input("x", [1, 2, 3]));
  const bias = initialValues("input.bias", source.declared.get("input.bias")!, 0);
  expect([...bias]).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
});
