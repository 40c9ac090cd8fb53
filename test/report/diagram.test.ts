// Block diagrams: that text and SVG show every place once, with its parameters, and how often the stripe is repeated.
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import { presetArchitecture } from "../../src/architecture/presets.ts";
import { diagramSvg, diagramText } from "../../src/report/diagram.ts";

const base = { vocabulary: 10, length: 8, width: 12, heads: 3 };

test("as text: gpt2, line by line", () => {
  expect(`\n${diagramText(presetArchitecture("gpt2"), "gpt2")}\n`).toBe(`
gpt2: width 768, 124M parameters
    ┌───────────────────────────────────────────────────┐
    │ embedding of 50257 tokens, 1024 positions · 39.4M │
    └───────────────────────────────────────────────────┘
  ╭ ┌───────────────────────────────────────────────────┐ ╮
  │ │ layer norm → attention(bias: true) · 2.36M        │ │
  │ └───────────────────────────────────────────────────┘ │
  ╰─⊕                                                     │
  ╭ ┌───────────────────────────────────────────────────┐ │ × 12
  │ │ layer norm → gelu(bias: true) · 4.72M             │ │
  │ └───────────────────────────────────────────────────┘ │
  ╰─⊕                                                     ╯
    ┌───────────────────────────────────────────────────┐
    │ layer norm · 1.54k                                │
    └───────────────────────────────────────────────────┘
    ┌───────────────────────────────────────────────────┐
    │ head: 50257 tokens, tied                          │
    └───────────────────────────────────────────────────┘
`);
});

describe("residual paths", () => {
  const sums = (block: "pre" | "post" | "parallel" | "none") => {
    const architecture = defineArchitecture({ ...base, block, stripe: "[attention, gelu, relu] × 2" });
    const [text, svg] = [diagramText(architecture, "a"), diagramSvg(architecture, "a")];
    const { document } = parseHTML(svg);
    expect(document.querySelectorAll("circle").length).toBe(text.split("⊕").length - 1);
    return text.split("\n").filter((line) => line.includes("⊕"));
  };

  test("one for each primitive, one for a parallel block, none without", () => {
    expect(sums("pre").length).toBe(3);
    expect(sums("parallel").length).toBe(1);
    expect(sums("none").length).toBe(0);
  });

  test("their sum is normalised after it where norms come after", () => {
    expect(sums("post").every((line) => line.includes("⊕ layer norm"))).toBe(true);
  });
});

test("blocks that share parameters say so, and what each has of its own", () => {
  const architecture = defineArchitecture({
    ...{ vocabulary: 10, length: 8, width: 12, norm: "rms", stripe: "[gelu] × 4" },
    ...{ share: { groups: [3, 1] }, sources: ["lora(rank: 1)"] },
  });
  const through = "parameters through share(groups: [3, 1], norms: individual), lora(rank: 1)";
  const text = diagramText(architecture, "a").split("\n");
  expect(text[1]).toBe(through);
  expect(text.find((line) => line.includes("gelu"))).toContain("rms norm → gelu · 132 to 1.28k ");
  expect(diagramSvg(architecture, "a")).toContain(through);
});

test("places of like names keep their sizes", () => {
  const architecture = defineArchitecture({
    ...{ vocabulary: 10, length: 8, width: 16, norm: "none" },
    stripe: ["mamba", "mamba", "mamba2(headWidth: 8)"],
  });
  const sizes = diagramText(architecture, "a").match(/mamba2?\S* .*?· \S+/g)!;
  expect(sizes[0]).toBe(sizes[1]);
  expect(sizes[2]).toMatch(/^mamba2/);
});

test("as SVG: a box for every place, inside the picture, and well formed whatever the name", () => {
  const architecture = defineArchitecture({
    ...base,
    stripe: "[attention] + [attention(window: 3), swiglu] × 5 + [gelu]",
  });
  const svg = diagramSvg(architecture, '<script>"&');
  const { document } = parseHTML(svg);
  expect(document.querySelector("script")).toBe(null);
  const [, , width, height] = document.querySelector("svg")!.getAttribute("viewBox")!.split(" ").map(Number);
  const boxes = [...document.querySelectorAll("rect")];
  expect(boxes.length).toBe(4 + 3);
  for (const box of boxes) {
    const at = (name: string) => Number(box.getAttribute(name));
    expect(at("x") + at("width")).toBeLessThanOrEqual(width!);
    expect(at("y") + at("height")).toBeLessThanOrEqual(height!);
  }
  const texts = [...document.querySelectorAll("text")].map(({ textContent }) => textContent);
  expect(texts).toContain("× 5");
  expect(texts.some((text) => text.includes("attention(heads: 3, window: 3)"))).toBe(true);
});
