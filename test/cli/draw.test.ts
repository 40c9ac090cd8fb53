// `scantling draw`: text on standard output, SVG in a file, both in a document.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(folder.remove);

test("text by default, SVG with --out, both with --json", async () => {
  const text = await scantling(["draw", "wide-deep-50m-256"]);
  expect(text.exitCode).toBe(0);
  expect(text.out).toContain("× 256");
  const file = join(folder.path, "picture.svg");
  const written = await scantling(["draw", "wide-deep-50m-256", "--out", file]);
  expect(written.out).toBe("");
  const svg = readFileSync(file, "utf8");
  expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  const { out } = await scantling(["draw", "wide-deep-50m-256", "--json"]);
  expect(JSON.parse(out)).toEqual({
    stripe: "[attention(heads: 4), geluExact] × 256",
    text: text.out.trimEnd(),
    svg: svg.trimEnd(),
  });
  expect((await refusal(["draw", "gpt2", "--out", file])).err).toContain("--force to overwrite");
});

test("an unknown architecture is refused", async () => {
  const { exitCode, err } = await refusal(["draw", "chinchila"]);
  expect(err).toContain('architecture "chinchila" is neither a preset nor a file');
  expect(exitCode).toBe(2);
});
