import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { flatten, runPage } from "../../src/report/run.ts";
import { lossStrip, summaryLines, visible } from "../../src/report/summary.ts";
import { attack, exampleRun as report } from "./example.ts";

describe("runPage", () => {
  const page = runPage(report);
  const { document } = parseHTML(page);

  it("shows every part", () => {
    expect(document.title).toBe("shakespeare · Scantling");
    const figure = document.querySelector(".tiles div");
    expect(figure?.querySelector("dt")?.textContent).toBe("validation loss");
    expect(figure?.querySelector("dd")?.textContent).toBe("1.1000");
    expect(document.querySelector("pre")?.textContent).toBe("To be\nor not");
    expect(document.querySelectorAll("figure .wide svg, figure .narrow svg")).toHaveLength(2);
    const rows = [...document.querySelectorAll("tr")].map((row) => [
      row.querySelector("th")?.textContent,
      row.querySelector("td")?.textContent,
    ]);
    expect(rows).toEqual([
      ["seed", "1"],
      ["architecture.width", "128"],
      ["architecture.stripe", '["attention","swiglu"]'],
    ]);
    expect(document.querySelector("footer")?.textContent).toContain("ab12");
    expect(document.querySelector("footer")?.textContent).toContain("scantling train --data tinyshakespeare");
  });

  it("says what a loss is of", () => {
    expect(page).toContain("loss (nat per token)");
    const ofImages = runPage({ ...report, item: "image" });
    expect(ofImages).toContain("loss (nat per image)");
    expect(ofImages).not.toMatch(/per token/i);
  });

  it("needs no other file and no network", () => {
    const markup = page.replaceAll('xmlns="http://www.w3.org/2000/svg"', "");
    expect(markup).not.toMatch(/https?:|src="(?!data:)|href="(?!data:)|@import|url\((?!#)/);
  });

  it("adapts to dark screens and to phones", () => {
    expect(page).toContain("prefers-color-scheme: dark");
    expect(page).toContain('name="viewport"');
    expect(document.querySelector(".narrow svg")?.getAttribute("width")).toBe("340");
  });

  it("escapes whatever it is given", () => {
    const hostile = runPage({
      ...report,
      name: attack,
      ending: attack,
      command: attack,
      hash: attack,
      configuration: { [attack]: { [attack]: attack, list: [attack] } },
      facts: [{ name: attack, value: attack }],
      sample: attack,
      notes: [attack],
    });
    const parsed = parseHTML(hostile).document;
    expect(parsed.querySelectorAll("script")).toHaveLength(1);
    expect(parsed.querySelector("script")?.textContent).not.toContain("alert");
    expect(parsed.querySelector("h1")?.textContent).toBe(attack);
    expect(parsed.querySelector("pre")?.textContent).toBe(attack);
    expect(parsed.querySelector("tr td")?.textContent).toBe(attack);
  });

  it("is made of a run without a single step, too", () => {
    const empty = parseHTML(
      runPage({ ...report, training: [], validation: [], optimum: undefined, sample: undefined }),
    ).document;
    expect(empty.querySelectorAll("figure .wide svg, figure .narrow svg")).toHaveLength(2);
    expect(empty.querySelector("pre")).toBeNull();
    expect(empty.querySelector(".legend")?.textContent).not.toContain("lowest possible");
  });
});

it("flattens nested settings and cuts long ones", () => {
  expect(flatten({ a: { b: { c: null } }, d: true })).toEqual([
    ["a.b.c", "null"],
    ["d", "true"],
  ]);
  expect(flatten({ text: "x".repeat(1000) })[0]![1]).toHaveLength(301);
});

describe("summaryLines", () => {
  it("aligns the figures and shows the sample", () => {
    const lines = summaryLines({
      ...report,
      facts: [
        { name: "loss", value: "1.1" },
        { name: "tokens", value: "4M" },
      ],
    });
    expect(lines[0]).toBe("shakespeare: finished");
    expect(lines[1]).toBe("  loss    1.1");
    expect(lines[2]).toBe("  tokens  4M");
    expect(lines.slice(-2)).toEqual(["  To be", "  or not"]);
  });

  it("draws falling losses as falling blocks", () => {
    const points = [4, 3, 2, 1].map((loss, step) => ({ step, loss }));
    expect(lossStrip(points, 4)).toBe("█▆▃▁");
    expect(lossStrip(points, 2)).toBe("█▁");
    expect(lossStrip(points.slice(0, 1), 4)).toBe("");
  });

  it("lets no sample steer the terminal", () => {
    expect(visible("a\u001b[2Jb\tc\nd\u007f\u009b")).toBe("a␛[2Jb\tc\nd␡␡");
  });
});
