// Looks at every page that commands have left in a folder, wide and as a phone shows it. Knows no report.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findChromium, inspect, launch } from "./browser.ts";

/** Pages of a folder and of those in it, but packages; links are not followed. */
function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : pagesIn(join(folder, entry.name));
    return entry.name.endsWith(".html") ? [join(folder, entry.name)] : [];
  });
}

/** Which pages were looked at, and what is wrong with them; nothing where no Chromium is installed. */
export async function lookAtPages(folder: string): Promise<{ pages: string[]; faults: string[] }> {
  const program = findChromium();
  const pages = pagesIn(folder);
  if (program === null) return { pages, faults: [] };
  const browser = await launch(program);
  try {
    const faults: string[] = [];
    for (const page of pages) {
      const figures = readFileSync(page, "utf8").match(/<figure>/g)?.length ?? 0;
      for (const width of [1200, 390]) {
        const { pictures, ...findings } = await inspect(browser, page, { width, scheme: "light" });
        const isFine = Object.values(findings).every(
          (one) => one === 0 || (Array.isArray(one) && one.length === 0),
        );
        if (isFine && pictures === figures) continue;
        faults.push(`${page} at ${width}: ${pictures} of ${figures} figures, ${JSON.stringify(findings)}`);
      }
    }
    return { pages, faults };
  } finally {
    await browser.close();
  }
}
