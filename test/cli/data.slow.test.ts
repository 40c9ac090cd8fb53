// `scantling data fetch` as processes: killed in the middle, and two at once.

import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keptBytes } from "../../src/data/named/partial.ts";
import { type FileServer, serve, slowly } from "../data/named/server.ts";
import { temporaryFolder } from "./harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist", "cli", "main.js");
const data = process.env.SCANTLING_DATA;

describe.skipIf(data === undefined)("fetching as a process", () => {
  const folder = temporaryFolder();
  let server: FileServer;
  let content: Buffer;
  beforeAll(async () => {
    execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
    content = readFileSync(join(data!, "tinyshakespeare", "input.txt"));
    server = await serve(content);
    server.behave(slowly(50_000, 60));
  });
  afterAll(async () => {
    await server.close();
    folder.remove();
  });

  function start(out: string) {
    const words = ["data", "fetch", "tinyshakespeare", "--from", server.address, "--out", out, "--json"];
    const child = spawn(process.execPath, [main, ...words], {
      cwd: folder.path,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let told = "";
    child.stdout.on("data", (chunk) => {
      told += chunk;
    });
    const ended = new Promise<{ code: number | null; told: string }>((done) =>
      child.on("close", (code) => done({ code, told })),
    );
    return { child, ended };
  }

  it("killed again and again it goes on where it was, and ends with the right bytes", async () => {
    const out = join(folder.path, "killed");
    let kept = 0;
    for (let round = 0; round < 3; round++) {
      const { child, ended } = start(out);
      const begun = () => keptBytes(join(out, "tinyshakespeare"), "input.txt") > kept + 100_000;
      while (!begun()) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill("SIGKILL");
      await ended;
      const now = keptBytes(join(out, "tinyshakespeare"), "input.txt");
      expect(now).toBeGreaterThan(kept);
      kept = now;
    }
    server.asked.length = 0;
    const { code, told } = await start(out).ended;
    expect(code).toBe(0);
    expect(JSON.parse(told)).toMatchObject({ fetched: true });
    expect(server.asked[0]!.range).toBe(`bytes=${kept}-`);
    expect(readFileSync(join(out, "tinyshakespeare", "input.txt")).equals(content)).toBe(true);
    expect(readdirSync(join(out, "tinyshakespeare")).sort()).toEqual(["fetched.json", "input.txt"]);
  });

  it("two at once both end well", async () => {
    const out = join(folder.path, "both");
    const both = await Promise.all([start(out).ended, start(out).ended]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(readFileSync(join(out, "tinyshakespeare", "input.txt")).equals(content)).toBe(true);
    expect(readdirSync(join(out, "tinyshakespeare")).sort()).toEqual(["fetched.json", "input.txt"]);
  });
});
