// Attention by content and distance against the paper's equation in plain loops.
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { relativeAttention } from "../../src/nn/relativeAttention.ts";
import { checkCausal, checkMixer, linear, list, type MixerCase, total } from "./mixers.ts";

const WIDTH = 8;

function relativeCase(heads: number, head: number, bias: boolean): MixerCase {
  return {
    primitive: relativeAttention,
    settings: { heads, headWidth: head, bias },
    width: WIDTH,
    length: 6,
    plain(x, p) {
      const headsOf = (flat: number[]) => list(heads, (h) => flat.slice(h * head, (h + 1) * head));
      const projected = (name: string) => x.map((row) => headsOf(linear(p, name, row, heads * head, bias)));
      const [q, k, v] = [projected("query"), projected("key"), projected("value")];
      // Sines of all frequencies, then cosines.
      const wave = (distance: number) =>
        list(WIDTH, (i) => {
          const angle = distance * 10_000 ** ((-2 * (i % (WIDTH / 2))) / WIDTH);
          return i < WIDTH / 2 ? Math.sin(angle) : Math.cos(angle);
        });
      const far = (distance: number) => headsOf(linear(p, "distance", wave(distance), heads * head));
      return x.map((_, t) => {
        const mixed = list(heads, (h) => {
          const weights = list(t + 1, (s) => {
            const score = total(head, (i) => {
              const content = (q[t]![h]![i]! + p("contentBias")(h, i)) * k[s]![h]![i]!;
              const distance = (q[t]![h]![i]! + p("distanceBias")(h, i)) * far(t - s)[h]![i]!;
              return content + distance;
            });
            return Math.exp(score / Math.sqrt(head));
          });
          const sum = total(t + 1, (s) => weights[s]!);
          return list(head, (i) => total(t + 1, (s) => (weights[s]! / sum) * v[s]![h]![i]!));
        });
        return linear(p, "output", mixed.flat(), WIDTH, bias);
      });
    },
  };
}

describe("relative attention", () => {
  test.each([
    [1, 8, false],
    [2, 4, true],
    [3, 2, false],
  ])("%i heads of %i, bias %s: equals the paper's equation, gradients by differences", (...shape) => {
    checkMixer(relativeCase(...shape));
  });

  test("sees no later token", () => {
    checkCausal(relativeCase(2, 4, false));
  });

  test("heads that do not divide the width, and odd widths, are refused", () => {
    const define = (width: number, heads: number) =>
      defineArchitecture({
        vocabulary: 2,
        length: 4,
        width,
        stripe: [{ primitive: "relative-attention", heads }],
      });
    expect(() => define(8, 3)).toThrow("width 8 is not divisible by heads 3");
    expect(() => define(7, 1)).toThrow("width 7 has no room for pairs of waves");
  });
});
