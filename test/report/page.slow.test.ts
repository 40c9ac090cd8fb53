// Reports in headless Chromium: every figure is drawn, nothing complains, nothing is fetched, phones and dark screens.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tableCsv } from "../../src/report/csv.ts";
import type { ReportTable } from "../../src/report/document.ts";
import { reportPage } from "../../src/report/page.ts";
import { runPage } from "../../src/report/run.ts";
import { findChromium, inspect, launch, type Screen } from "./browser.ts";
import { attack, exampleReport, exampleRun } from "./example.ts";

const program = findChromium();
const reason = program === null ? " (skipped: no chromium in PATH; apt-get install chromium)" : "";

const screens: readonly Screen[] = [
  { width: 1200, scheme: "light" },
  { width: 1200, scheme: "dark" },
  { width: 390, scheme: "light" },
  { width: 390, scheme: "dark" },
];

const long = "W".repeat(120);
const pages = {
  "a comparison": reportPage(exampleReport()),
  "a comparison with hostile names": reportPage(exampleReport(attack, attack)),
  "a comparison with endless names": reportPage(exampleReport(long, long)),
  "a training run": runPage(exampleRun),
  "a training run without a step": runPage({
    ...exampleRun,
    training: [],
    validation: [],
    optimum: undefined,
  }),
};

describe.skipIf(program === null)(`in Chromium${reason}`, () => {
  let browser: Browser;
  const folder = mkdtempSync(join(tmpdir(), "scantling-report-"));
  const file = (name: string, page: string) => {
    const path = join(folder, `${name.replaceAll(" ", "-")}.html`);
    writeFileSync(path, page);
    return path;
  };

  beforeAll(async () => {
    browser = await launch(program!);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  for (const [name, page] of Object.entries(pages)) {
    for (const screen of screens) {
      it(`${name}, ${screen.width} wide, ${screen.scheme}`, async () => {
        const { pictures, ...findings } = await inspect(browser, file(name, page), screen);
        expect(pictures).toBe(page.match(/<figure>/g)?.length);
        expect(findings).toEqual({ complaints: [], requests: [], overhang: 0, emptyPictures: [], faint: [] });
      });
    }
  }

  it("finds what is wrong, where something is", async () => {
    const bad = `<!doctype html><html lang="en"><head><link rel="icon" href="data:,"></head>
<body style="background: #fff; --soft: #fff"><p style="color: #ccc; width: 900px">faint</p>
<figure><div role="img" aria-label="nothing"><svg width="100" height="100"></svg></div></figure>
<img src="http://127.0.0.1:9/picture.png" alt=""></body></html>`;
    const found = await inspect(browser, file("bad", bad), screens[2]!);
    expect(found.complaints).not.toEqual([]);
    expect(found.requests).toEqual(["http://127.0.0.1:9/picture.png"]);
    expect(found.overhang).toBeGreaterThan(400);
    expect(found.emptyPictures).toEqual(["nothing"]);
    expect(found.faint.map((line) => line.split(":")[0])).toEqual(expect.arrayContaining(["faint", "soft"]));
  });

  it("the download of a table is the table", async () => {
    const report = exampleReport(attack);
    const table = report.sections[0]!.parts[0] as ReportTable;
    await inspect(browser, file("download", reportPage(report)), screens[0]!, async (page) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.click(".table .download")]);
      expect(download.suggestedFilename()).toBe("accuracy-of-architectures-on-tasks.csv");
      expect(readFileSync(await download.path(), "utf8")).toBe(`\uFEFF${tableCsv(table)}`);
    });
  });

  it("a table has the room of a wide window; on a phone it scrolls and shows so, and its title stays", async () => {
    const headings = ["arm", ...Array.from({ length: 13 }, (_, i) => `FLOPs ${i}`)];
    const table: ReportTable = {
      ...{ kind: "table", title: "Losses at equal FLOPs, 4 × 64 to 16 × 6", note: "" },
      columns: headings.map((heading) => ({ heading, unit: "count" as const })),
      rows: [["scratch", ...Array.from({ length: 13 }, () => 1234)]],
    };
    const path = file(
      "wide",
      reportPage({ ...exampleReport(), sections: [{ heading: "S", parts: [table] }] }),
    );
    const looked = async (width: number, scheme: Screen["scheme"]) => {
      let found: { hidden: number; title: number[]; shades: string; gap: number } | undefined;
      await inspect(browser, path, { width, scheme }, async (page) => {
        found = await page.evaluate(`(() => {
          const frame = document.querySelector(".scroll");
          frame.scrollLeft = 200;
          const title = document.querySelector("caption .title").getBoundingClientRect();
          const row = document.querySelector("thead tr");
          return {
            hidden: frame.scrollWidth - frame.clientWidth,
            title: [title.left, title.right],
            shades: getComputedStyle(frame).backgroundAttachment,
            gap: row.getBoundingClientRect().height,
          };
        })()`);
      });
      return found!;
    };
    expect((await looked(1280, "light")).hidden).toBe(0);
    for (const scheme of ["light", "dark"] as const) {
      const phone = await looked(390, scheme);
      expect(phone.hidden).toBeGreaterThan(200);
      expect(phone.shades).toBe("local, scroll");
      expect(phone.title[0]).toBe(16);
      expect(phone.title[1]).toBeLessThanOrEqual(374);
      // Two lines and their padding.
      expect(phone.gap).toBeLessThan(60);
    }
  });

  it("a click on a heading sorts, numbers before what is none", async () => {
    const rows = [
      ["b", 2],
      ["a", 10],
      ["c", "failed"],
      ["d", -1],
    ];
    const columns = [{ heading: "name" }, { heading: "value", unit: "number" }] as const;
    const table: ReportTable = { kind: "table", title: "T", note: "", columns, rows };
    const page = reportPage({ ...exampleReport(), sections: [{ heading: "S", parts: [table] }] });
    await inspect(browser, file("sorted", page), screens[0]!, async (opened) => {
      const order = () => opened.locator("tbody th").allTextContents();
      await opened.click("thead th:nth-child(2) button");
      expect(await order()).toEqual(["a", "b", "d", "c"]);
      await opened.click("thead th:nth-child(2) button");
      expect(await order()).toEqual(["d", "b", "a", "c"]);
      await opened.click("thead th:nth-child(1) button");
      expect(await order()).toEqual(["a", "b", "c", "d"]);
    });
  });
});
