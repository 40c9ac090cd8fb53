// Opens pages in headless Chromium and tells what a reader would run into. Knows no report.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";

/** Chromium's program on this machine, or null. */
export function findChromium(): string | null {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const folders = (process.env.PATH ?? "").split(delimiter);
  const paths = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return paths.find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Chromium's sandbox does not work for root; the pages are our own. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

/** What is wrong with a page; all empty where nothing is. */
export interface Findings {
  /** Errors and warnings of the console, and exceptions. */
  readonly complaints: string[];
  /** Addresses asked for, but the page itself and data within it. */
  readonly requests: string[];
  /** Pixels that the page is wider than its window. */
  readonly overhang: number;
  /** Pictures of figures. */
  readonly pictures: number;
  /** Those without extent or without anything drawn. */
  readonly emptyPictures: string[];
  /** Texts below 4.5 to 1 and colours of series below 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11). */
  readonly faint: string[];
}

export interface Screen {
  readonly width: number;
  readonly scheme: "light" | "dark";
}

/** Opens the page in a file, unfolds it and looks at it; `use` may do more with it. */
export async function inspect(
  browser: Browser,
  path: string,
  { width, scheme }: Screen,
  use: (page: Page) => Promise<void> = async () => {},
): Promise<Findings> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  try {
    const page = await context.newPage();
    const [complaints, requests]: string[][] = [[], []];
    const address = pathToFileURL(path).href;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints!.push(message.text());
    });
    page.on("pageerror", (error) => complaints!.push(error.message));
    page.on("request", (request) => {
      if (request.url() !== address && !request.url().startsWith("data:")) requests!.push(request.url());
    });
    await page.goto(address);
    await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
    const seen = await page.evaluate<Omit<Findings, "complaints" | "requests">>(look);
    await use(page);
    return { complaints: complaints!, requests: requests!, ...seen };
  } finally {
    await context.close();
  }
}

// Runs in the page.
const look = `(() => {
  const isShown = (element) => element.checkVisibility();
  const extent = (element) => { const box = element.getBoundingClientRect(); return Math.min(box.width, box.height); };
  const pictures = [...document.querySelectorAll("figure [role=img] > *")].filter(isShown);
  const isDrawn = (picture) => picture.tagName === "IMG"
    ? picture.complete && picture.naturalWidth > 0
    : [...picture.querySelectorAll("path, rect, circle, line")].some((mark) => {
        const box = mark.getBoundingClientRect();
        return box.width + box.height > 0;
      });
  const emptyPictures = pictures.filter((picture) => extent(picture) < 20 || !isDrawn(picture))
    .map((picture) => picture.parentElement.getAttribute("aria-label"));

  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((level) =>
      level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const isClear = (colour) => colour === "none" || (channels(colour).length === 4 && channels(colour)[3] === 0);
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!isClear(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const behind = (text) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const field = [...text.ownerSVGElement.querySelectorAll("rect")].findLast((rect) => {
      const own = rect.getBoundingClientRect();
      return own.left < x && x < own.right && own.top < y && y < own.bottom && !isClear(getComputedStyle(rect).fill);
    });
    return field === undefined ? groundOf(text.ownerSVGElement) : getComputedStyle(field).fill;
  };
  const faint = [];
  const weigh = (name, colour, ground, least) => {
    const ratio = contrast(colour, ground);
    if (!(ratio >= least)) faint.push(name.slice(0, 40) + ": " + ratio.toFixed(2) + " (" + colour + " on " + ground + ")");
  };
  for (const element of document.querySelectorAll("body *")) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (texts.length === 0 || !isShown(element) || ["SCRIPT", "style", "STYLE", "title"].includes(element.tagName)) continue;
    const isSvg = element.ownerSVGElement != null;
    const style = getComputedStyle(element);
    weigh(texts[0].data, isSvg ? style.fill : style.color, isSvg ? behind(element) : groundOf(element), 4.5);
  }
  const probe = document.body.appendChild(document.createElement("span"));
  for (const name of ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6", "series-7", "series-8", "level", "soft"]) {
    probe.style.color = "var(--" + name + ")";
    weigh(name, getComputedStyle(probe).color, groundOf(document.body), 3);
  }
  probe.remove();
  const overhang = document.documentElement.scrollWidth - window.innerWidth;
  return { overhang: Math.max(0, overhang), pictures: pictures.length, emptyPictures, faint };
})()`;
