// Looks at every page that commands have left in a folder, wide and as a phone shows it. Knows no report.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { findChromium, launch } from "./browser.ts";
import { faultsOf, screens } from "./pages.ts";

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
      for (const screen of screens) {
        const found = await faultsOf(browser, page, screen);
        if (found.length > 0) faults.push(`${page} at ${screen.width}: ${found.join("; ")}`);
      }
    }
    return { pages, faults };
  } finally {
    await browser.close();
  }
}
