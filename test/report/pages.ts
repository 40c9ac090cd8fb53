// What every page of a report is held to in Chromium: all figures drawn, no complaint, nothing fetched, nothing wider than the
// window, nothing faint. Knows no report.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, inspect, launch, type Screen } from "./browser.ts";

/** A wide window and a phone. */
export const screens: readonly Screen[] = [
  { width: 1200, scheme: "light" },
  { width: 390, scheme: "light" },
];

/** The same in the dark, too. */
export const allScreens: readonly Screen[] = screens.flatMap(({ width }) => [
  { width, scheme: "light" },
  { width, scheme: "dark" },
]);

/** What is wrong with the page in a file on a screen; nothing where all is well. */
export async function faultsOf(browser: Browser, path: string, screen: Screen): Promise<string[]> {
  const figures = readFileSync(path, "utf8").match(/<figure>/g)?.length ?? 0;
  const { pictures, ...findings } = await inspect(browser, path, screen);
  return [
    ...(pictures === figures ? [] : [`${pictures} pictures of ${figures} figures`]),
    ...Object.entries(findings).flatMap(([name, found]) =>
      found === 0 || (Array.isArray(found) && found.length === 0)
        ? []
        : [`${name}: ${JSON.stringify(found)}`],
    ),
  ];
}

/** A browser for tests, and files for pages in a folder that goes with it. */
export interface OpenBrowser {
  readonly browser: () => Browser;
  /** Path of a file with the page. */
  readonly file: (name: string, page: string) => string;
}

/** A test for every page on every screen, and what else is asked of the browser; skipped where there is no Chromium. */
export function describePages(
  pages: Readonly<Record<string, string>>,
  on: readonly Screen[],
  more: (open: OpenBrowser) => void = () => {},
): void {
  const program = findChromium();
  const reason = program === null ? " (skipped: no chromium in PATH; apt-get install chromium)" : "";
  describe.skipIf(program === null)(`in Chromium${reason}`, () => {
    let opened: Browser | undefined;
    const folder = mkdtempSync(join(tmpdir(), "scantling-pages-"));
    const open: OpenBrowser = {
      browser: () => opened!,
      file: (name, page) => {
        const path = join(folder, `${name.replaceAll(" ", "-")}.html`);
        writeFileSync(path, page);
        return path;
      },
    };
    beforeAll(async () => {
      opened = await launch(program!);
    });
    afterAll(async () => {
      await opened?.close();
      rmSync(folder, { recursive: true });
    });
    for (const [name, page] of Object.entries(pages)) {
      for (const screen of on) {
        it(`${name}, ${screen.width} wide, ${screen.scheme}`, async () => {
          expect(await faultsOf(opened!, open.file(name, page), screen)).toEqual([]);
        });
      }
    }
    more(open);
  });
}
