// Reports in headless Chromium: every figure is drawn, nothing complains, nothing is fetched, phones and dark screens.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { tableCsv } from "../../src/report/csv.ts";
import type { ReportTable } from "../../src/report/document.ts";
import { reportPage } from "../../src/report/page.ts";
import { runPage } from "../../src/report/run.ts";
import { inspect, type Screen } from "./browser.ts";
import { attack, exampleReport, exampleRun } from "./example.ts";
import { allScreens, describePages, faultsOf, screens } from "./pages.ts";

const [window, phone] = screens as readonly [Screen, Screen];

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

describePages(pages, allScreens, ({ browser, file }) => {
  it("finds what is wrong, where something is", async () => {
    const bad = `<!doctype html><html lang="en"><head><link rel="icon" href="data:,"></head>
<body style="background: #fff; --soft: #fff"><p style="color: #ccc; width: 900px">faint</p>
<figure><div role="img" aria-label="nothing"><svg width="100" height="100"></svg></div></figure>
<img src="http://127.0.0.1:9/picture.png" alt=""></body></html>`;
    const found = await inspect(browser(), file("bad", bad), phone);
    expect(found.complaints).not.toEqual([]);
    expect(found.requests).toEqual(["http://127.0.0.1:9/picture.png"]);
    expect(found.overhang).toBeGreaterThan(400);
    expect(found.emptyPictures).toEqual(["nothing"]);
    expect(found.faint.map((line) => line.split(":")[0])).toEqual(expect.arrayContaining(["faint", "soft"]));
    const faults = await faultsOf(browser(), file("bad", `${bad}<figure></figure>`), phone);
    expect(faults.map((fault) => fault.split(":")[0])).toEqual([
      ...["1 pictures of 2 figures", "complaints", "requests", "overhang", "emptyPictures", "faint"],
    ]);
  });

  it("the download of a table is the table", async () => {
    const report = exampleReport(attack);
    const table = report.sections[0]!.parts[0] as ReportTable;
    await inspect(browser(), file("download", reportPage(report)), window, async (page) => {
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
      await inspect(browser(), path, { width, scheme }, async (page) => {
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
      const small = await looked(390, scheme);
      expect(small.hidden).toBeGreaterThan(200);
      expect(small.shades).toBe("local, scroll");
      expect(small.title[0]).toBe(16);
      expect(small.title[1]).toBeLessThanOrEqual(374);
      // Two lines and their padding.
      expect(small.gap).toBeLessThan(60);
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
    await inspect(browser(), file("sorted", page), window, async (opened) => {
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
