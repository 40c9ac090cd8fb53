// Report pages as documents: every part is there, labelled for readers and for screen readers, and nothing hostile gets out.

import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import type { Chart } from "../../src/report/charts/chart.ts";
import type { ReportDocument, ReportPart } from "../../src/report/document.ts";
import { reportPage } from "../../src/report/page.ts";
import { styles } from "../../src/report/styles.ts";
import { attack, exampleReport } from "./example.ts";

const parse = (report: ReportDocument) => parseHTML(reportPage(report)).document;
const bare: ReportDocument = { title: "T", notes: [], facts: [], verdicts: [], sections: [], origin: [] };
const only = (part: ReportPart) => parse({ ...bare, sections: [{ heading: "S", parts: [part] }] });
const told = {
  kind: "figure",
  title: "T",
  description: "D",
  data: "a",
  seeds: "b",
  convention: "c",
} as const;
const ofChart = (chart: Chart) => only({ ...told, chart });

describe("reportPage", () => {
  const report = exampleReport();
  const page = reportPage(report);
  const { document } = parseHTML(page);

  it("marks what no pair was compared for by its own word", () => {
    const verdicts = [{ outcome: "tie", word: "stays", text: "the best rate stays" }] as const;
    expect(parse({ ...bare, verdicts }).querySelector(".verdicts .mark")?.textContent).toBe("stays");
  });

  it("has dashes where their heading is, units of single cells, and headings on two lines at most", () => {
    const table = only({
      ...{ kind: "table", title: "T", note: "" },
      columns: [
        { heading: "run" },
        { heading: "accuracy" },
        { heading: "budget", unit: "count" },
        { heading: "steps", unit: "whole" },
        { heading: "FLOPs of a sequence, forward", unit: "percent" },
      ],
      rows: [
        ["tokens", null, 9984, 38_995, 12.3],
        ["seconds", null, { value: 0.28, unit: "seconds" }, null, null],
      ],
    });
    const cells = [...table.querySelectorAll("tbody tr")].map((row) =>
      [...row.querySelectorAll("td")].map(({ textContent, className }) => `${textContent} ${className}`),
    );
    expect(cells).toEqual([
      ["– ", "9.98k number", "38,995 number", "12.30 number"],
      ["– ", "0.3 s number", "– number", "– number"],
    ]);
    const headings = [...table.querySelectorAll("thead th")];
    expect(headings.map(({ className }) => className)).toEqual(["", "", "number", "number", "number"]);
    const long = headings.at(-1)!;
    expect(long.textContent.replace(/\s+/g, " ")).toBe("FLOPs of a sequence, forward");
    expect(long.querySelectorAll("br")).toHaveLength(1);
  });

  it("has a neutral colour and a dash of its own for levels, unlike those of series", () => {
    const shades = [...styles.matchAll(/--(series-\d|level): #(\w{6})/g)].map(([, name, colour]) => {
      const channels = [0, 2, 4].map((at) => Number.parseInt(colour!.slice(at, at + 2), 16));
      return { name: name!, channels };
    });
    expect(shades).toHaveLength(18);
    for (const scheme of [shades.slice(0, 9), shades.slice(9)]) {
      const level = scheme.find(({ name }) => name === "level")!.channels;
      expect(Math.max(...level) - Math.min(...level)).toBeLessThan(10);
      for (const { name, channels } of scheme.filter((shade) => shade.name !== "level")) {
        const apart = Math.hypot(...channels.map((channel, i) => channel - level[i]!));
        expect({ name, isApart: apart > 60 }).toEqual({ name, isApart: true });
      }
    }
    const levels = [...document.querySelectorAll(".wide [stroke='var(--level)']")];
    expect(levels).not.toEqual([]);
    for (const level of levels) expect(level.getAttribute("stroke-dasharray")).toBe("9 3 2 3");
  });

  it("says the caveats first, then the verdicts, then the rest", () => {
    const texts = [...document.querySelectorAll("h1, .note, .verdicts li, h2")].map((each) =>
      each.textContent.trim(),
    );
    expect(texts.slice(0, 3)).toEqual([report.title, ...report.notes]);
    expect(texts.slice(3, 6)).toEqual(report.verdicts.map(({ outcome, text }) => `${outcome} ${text}`));
    expect(texts[6]).toBe("Result");
  });

  it("shows values with intervals and marks under headings", () => {
    const table = document.querySelector("table.sortable")!;
    expect(table.querySelector("caption")?.textContent).toBe("Accuracy of architectures on tasks");
    expect(table.querySelectorAll("thead th[scope=col]")).toHaveLength(7);
    expect(table.querySelectorAll("tbody th[scope=row]")).toHaveLength(4);
    expect(table.querySelector("tbody td")?.textContent.replace(/\s+/g, " ")).toBe(
      "85.5 % best [83.4, 87.2]",
    );
    const marks = [...table.querySelectorAll(".mark")].map(({ textContent }) => textContent);
    expect(new Set(marks)).toEqual(new Set(["best", "tie", "undecided"]));
    const third = [...table.querySelectorAll("tbody tr")[2]!.querySelectorAll("td")].map(
      (cell) => cell.textContent,
    );
    expect(third.slice(-2)).toEqual(["failed", "–"]);
  });

  it("every figure says what it shows, its data, seeds and convention, and has its points as CSV", () => {
    const figures = [...document.querySelectorAll("figure")];
    expect(figures).toHaveLength(8);
    for (const figure of figures) {
      const caption = figure.querySelector("figcaption")!.textContent;
      for (const word of ["Data six tasks", "Seeds 1 to 3", "Convention Token accuracy"])
        expect(caption).toContain(word);
      expect(figure.querySelector("h3")?.textContent).not.toBe("");
      for (const picture of figure.querySelectorAll("[role=img]")) {
        expect(picture.getAttribute("aria-label")!.length).toBeGreaterThan(10);
      }
    }
    expect(document.querySelectorAll("figure a.download")).toHaveLength(6);
  });

  it("the seeds of a figure are named once, however they are given", () => {
    const example = exampleReport();
    const captionOf = (seeds: string) => {
      const figure = example.sections.flatMap(({ parts }) => parts).find((part) => part.kind === "figure")!;
      return reportPage({ ...example, sections: [{ heading: "", parts: [{ ...figure, seeds }] }] });
    };
    for (const seeds of ["seeds 1 to 3", "1 to 3"])
      expect(captionOf(seeds)).toContain("<strong>Seeds</strong> 1 to 3.");
    expect(captionOf("mean over the seeds")).toContain("<strong>Seeds</strong> mean over the seeds.");
  });

  it("folds parts under their title, and has a picture once, which is the same at every width", () => {
    const folded = document.querySelector("details")!;
    expect(folded.querySelector("summary")?.textContent).toBe("Blocks of attention");
    expect(folded.querySelectorAll("figure img")).toHaveLength(1);
    expect(folded.textContent).toContain("Below it.");
  });

  it("leaves out what a figure does not rest on", () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
    const figure = { ...told, data: "", seeds: "", chart: { kind: "picture", svg } } as const;
    expect(only(figure).querySelector("figcaption")?.textContent.trim()).toBe("D Convention c.");
  });

  it("is the same page each time", () => {
    expect(reportPage(exampleReport())).toBe(page);
  });

  it("warns of nothing, as the plotting library would do in the picture", () => {
    expect(page).not.toContain("⚠");
  });

  it("loads nothing and lets no other script run", () => {
    const policy = document.querySelector("meta[http-equiv]")?.getAttribute("content");
    expect(policy).toMatch(/^default-src 'none'; .*script-src 'sha256-[\w+/]{43}='$/);
    const markup = page
      .replaceAll("http://www.w3.org/", "")
      .replaceAll(encodeURIComponent("http://www.w3.org/"), "");
    expect(markup).not.toMatch(/https?:|src="(?!data:)|href="(?!data:)|@import|url\((?!#)/);
  });

  it("shows hostile names as they are", () => {
    const hostile = parse(exampleReport(attack, attack));
    expect(hostile.querySelectorAll("script")).toHaveLength(1);
    expect(hostile.querySelector("h1")?.textContent).toBe(attack);
    expect(hostile.querySelector("tbody th")?.textContent).toBe(attack);
    expect(hostile.querySelector(".legend")?.textContent).not.toBe("");
    const titles = [...hostile.querySelectorAll("svg title")].map((title) => title.textContent);
    expect(titles.some((title) => title.includes(attack))).toBe(true);
    expect([...hostile.querySelectorAll("svg text")].some((text) => text.textContent.includes(attack))).toBe(
      true,
    );
  });

  it("takes half a character for a name", () => {
    const [half] = "😀";
    expect(
      parse(exampleReport(half!.slice(0, 1), half!.slice(0, 1))).querySelectorAll("figure"),
    ).toHaveLength(8);
  });

  it("is made of nothing, too", () => {
    const empty = parse(bare);
    expect(empty.querySelector("h1")?.textContent).toBe("T");
    expect(empty.querySelectorAll("figure, table, dl, ul")).toHaveLength(0);
  });
});

describe("charts", () => {
  const x = { label: "x", unit: "number", scale: "log" } as const;
  const y = { label: "y", unit: "nat", scale: "log" } as const;
  const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -1];
  const nothing: Chart[] = [
    { kind: "curves", x, y, series: [], levels: [] },
    { kind: "heat map", rows: [], columns: [], values: [], unit: "share", domain: [0, 1] },
    { kind: "forest", x, equal: 1, rows: [] },
    { kind: "scatter", x, y, points: [], regression: true },
    { kind: "bars", x, bars: [] },
  ];
  const worst: Chart[] = [
    {
      ...{ kind: "curves", x, y, levels: bad.map((value) => ({ name: "n", y: value })) },
      series: bad.map((value) => ({
        name: String(value),
        points: [
          { x: value, y: 1 },
          { x: 1, y: value },
          { x: 2, y: 1, interval: [value, 2] },
        ],
      })),
    },
    { kind: "heat map", rows: ["a"], columns: bad.map(String), values: [bad], unit: "share", domain: [0, 1] },
    {
      ...{ kind: "forest", x, equal: 1 },
      rows: bad.map((value) => ({
        label: "l",
        value,
        interval: [value, value] as const,
        outcome: "undecided" as const,
      })),
    },
    { kind: "scatter", x, y, points: bad.map((value) => ({ label: "l", x: value, y: 1 })), regression: true },
    {
      ...{ kind: "scatter", x: { ...x, scale: "linear" }, y: { ...y, scale: "linear" }, regression: true },
      points: [1, 2, 3].map((value) => ({ label: "l", x: 1, y: value })),
    },
    { kind: "bars", x, bars: bad.map((value) => ({ label: "l", value })) },
  ];
  it.each([...nothing, ...worst].map((chart, i) => [i, chart] as const))(
    "draws what has no place, %i",
    (_, chart) => {
      const figure = ofChart(chart).querySelector("figure")!;
      expect(figure.querySelectorAll("[role=img] > svg")).toHaveLength(2);
      for (const element of figure.querySelectorAll("svg *")) {
        for (const { name, value } of element.attributes) {
          if (name !== "aria-label") expect(value).not.toMatch(/NaN|Infinity|undefined/);
        }
      }
    },
  );

  it("tell series apart by more than their colour", () => {
    const series = Array.from({ length: 12 }, (_, i) => ({ name: `s${i}`, points: [{ x: 1, y: 1 }] }));
    const figure = ofChart({ kind: "curves", x, y, series, levels: [] });
    const looks = [...figure.querySelectorAll(".key svg")].map((key) => {
      const mark = key.querySelector("[aria-label=dot] > *")!;
      return `${key.innerHTML.match(/--series-\d/)![0]} ${mark.getAttribute("d") ?? "circle"}`;
    });
    expect(new Set(looks).size).toBe(12);
    expect(new Set(looks.slice(0, 7).map((look) => look.split(" ").slice(1).join())).size).toBe(7);
  });

  it("keep two of the same name apart", () => {
    const names = ["same", "same"];
    const heat = ofChart({
      ...{ kind: "heat map", rows: names, columns: names, unit: "share", domain: [0, 1] },
      values: [
        [0, 1],
        [1, 0],
      ],
    });
    expect(heat.querySelectorAll(".wide [aria-label=cell] rect")).toHaveLength(4);
  });

  it("say the outcome of each difference in words", () => {
    const interval = [0.1, 0.2] as const;
    const rows = (["win", "tie", "undecided"] as const).map((outcome) => ({
      label: "a − b",
      value: 0.15,
      interval,
      outcome,
    }));
    const forest = ofChart({ kind: "forest", x: { ...x, scale: "linear" }, equal: 0, rows });
    const texts = [...forest.querySelectorAll(".wide text")].map(({ textContent }) => textContent);
    expect(texts).toEqual(expect.arrayContaining(["a − b: win", "a − b: tie", "a − b: undecided"]));
  });
});
