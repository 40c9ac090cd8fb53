// Growth steps as users give them, and growth to an architecture at once.
import { describe, expect, test } from "vitest";
import { RequestError } from "../../src/errors.ts";
import { defineGrowthSteps } from "../../src/growth/define.ts";
import { planStep } from "../../src/growth/steps.ts";
import { difference, grown, network } from "./harness.ts";

describe("growth to an architecture", () => {
  const small = network({ norm: "rms", positions: "rope", dropout: 0.1 });
  const to = { width: 12, repeat: 3, stripe: ["attention(heads: 4, headWidth: 4)", "gelu(feedforward: 20)"] };

  test("computes the same, and keeps what is not given", () => {
    const larger = grown(small, { grow: "architecture", to });
    expect(difference(small, larger)).toBeLessThan(1e-12);
    const { normEpsilon, ...others } = larger.architecture;
    expect(others).toMatchObject({ width: 12, repeat: 3, positions: "rope", dropout: 0.1, length: 6 });
    expect(normEpsilon).toBeCloseTo((small.architecture.normEpsilon * 8) / 12, 15);
  });

  test("is what single steps come to", () => {
    const single = grown(
      small,
      { grow: "settings", to: { heads: 4, feedforward: 20 } },
      { grow: "width", to: 12 },
      { grow: "layers", add: 1, at: "last" },
    );
    expect(planStep(small.architecture, { grow: "architecture", to }).to).toEqual(single.architecture);
  });

  test.each<[Record<string, unknown>, object]>([
    [{ width: 12 }, { width: 12, repeat: 2 }],
    [{ layers: 5 }, { width: 8, repeat: 5 }],
  ])("blocks stay as they are where they are not given: %j", (given, expected) => {
    const larger = grown(small, { grow: "architecture", to: given });
    expect(larger.architecture).toMatchObject({ stripe: small.architecture.stripe, ...expected });
    expect(difference(small, larger)).toBeLessThan(1e-12);
  });

  test("sizes of primitives alone leave the primitives as they are", () => {
    const given = { width: 12, layers: 3, heads: 4, feedforward: 20 };
    const larger = grown(small, { grow: "architecture", to: given });
    const single = grown(
      small,
      { grow: "settings", to: { heads: 4, feedforward: 20 } },
      { grow: "width", to: 12 },
      { grow: "layers", add: 1, at: "last" },
    );
    expect(larger.architecture).toEqual(single.architecture);
    expect(difference(small, larger)).toBeLessThan(1e-12);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ layers: 1 }, "grow: layers is 1; expected at least the 2 of now"],
    [{ length: 8 }, "grow: length is 8, and was 6"],
    [{ norm: "layer" }, 'grow: norm is "layer", and was "rms"'],
    [{ stripe: "gelu(feedforward: 20)", repeat: 2 }, "grow: a block is gelu; expected attention, gelu"],
    [
      { stripe: to.stripe.slice(0, 1).concat("gelu(feedforward: 8)"), repeat: 2 },
      "feedforward 12 cannot become 8",
    ],
    [{ wdith: 12 }, 'unknown key "wdith"'],
  ])("says what it cannot reach: %j", (given, message) => {
    const plan = () => planStep(small.architecture, { grow: "architecture", to: given });
    expect(plan).toThrow(RequestError);
    expect(plan).toThrow(message);
  });
});

test("a size that no primitive has is refused", () => {
  const { architecture } = network({ stripe: ["gelu(feedforward: 12)"] });
  expect(() => planStep(architecture, { grow: "architecture", to: { heads: 4 } })).toThrow(
    'grow: no primitive of these blocks (gelu) has a setting "heads"',
  );
});

describe("requests", () => {
  test("a preset leaves its vocabulary and length to the run", () => {
    const [step] = defineGrowthSteps("gpt3-small", "grow");
    expect(step).toMatchObject({ grow: "architecture", to: { width: 768 } });
    expect(step!.grow === "architecture" && Object.keys(step!.to)).not.toContain("vocabulary");
  });

  test.each<[unknown, string]>([
    ["nowhere.json", "grow: nowhere.json: there is no such file"],
    [[], "grow: to is []"],
    [7, "grow: to is 7"],
    [
      [{ grow: "with" }],
      'grow: to[0]: grow is "with"; expected one of settings, width, layers, architecture',
    ],
    [[{ grow: "width", to: 0 }], "grow: to[0]: to is 0"],
    [[{ grow: "layers", add: 1, at: "first" }], 'grow: to[0]: at is "first"'],
    [[{ grow: "layers", add: 1, at: 0, blocks: [1] }], 'grow: to[0]: unknown key "blocks"'],
    [[{ grow: "settings", to: 5 }], "grow: to[0]: to is 5"],
  ])("%j is refused", (input, message) => {
    expect(() => defineGrowthSteps(input, "grow")).toThrow(RequestError);
    expect(() => defineGrowthSteps(input, "grow")).toThrow(message);
  });
});
