// Downloads from a server on this machine that behaves in every way a server may.

import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type DownloadEvent, downloadFile, type Patience } from "../../../src/data/named/download.ts";
import { keptBytes } from "../../../src/data/named/partial.ts";
import { WorkError } from "../../../src/errors.ts";
import {
  breaksAfter,
  type FileServer,
  good,
  instead,
  redirect,
  serve,
  stallsAfter,
  status,
  withoutRanges,
} from "./server.ts";

const size = 3_000_000;
const content = randomBytes(size);
const sha256 = createHash("sha256").update(content).digest("hex");
const other = randomBytes(size);

let base: string;
let folder: string;
let server: FileServer;
let count = 0;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-download-"));
  server = await serve(content);
});
beforeEach(() => {
  folder = join(base, String(count++));
  mkdirSync(folder);
  server.asked.length = 0;
  server.behave(good);
});
afterAll(async () => {
  await server.close();
  rmSync(base, { recursive: true });
});

interface Settings {
  readonly urls?: readonly string[];
  readonly patience?: Partial<Patience>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: DownloadEvent) => void;
  readonly into?: string;
}

async function download(settings: Settings = {}) {
  const events: DownloadEvent[] = [];
  const generator = downloadFile({
    folder: settings.into ?? folder,
    download: { file: "it.bin", urls: settings.urls ?? [`${server.address}/it`], bytes: size, sha256 },
    patience: { stall: 5000, pause: 1, tries: 3, ...settings.patience },
    signal: settings.signal,
  });
  let next = await generator.next();
  for (; !next.done; next = await generator.next()) {
    events.push(next.value);
    settings.onEvent?.(next.value);
  }
  return { done: next.value, events };
}

const reasons = (events: readonly DownloadEvent[]) =>
  events.flatMap((event) => (event.kind === "trouble" ? [event.reason] : []));
const isThere = () => readFileSync(join(folder, "it.bin")).equals(content);

async function failure(settings: Settings = {}): Promise<string> {
  const error = await download(settings).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkError);
  expect((error as Error).message).not.toContain("\n");
  expect(existsSync(join(folder, "it.bin"))).toBe(false);
  return (error as Error).message;
}

describe("a file comes whole", () => {
  test("from a good server, leaving nothing else", async () => {
    const { done, events } = await download();
    expect(done).toBe(true);
    expect(isThere()).toBe(true);
    expect(readdirSync(folder)).toEqual(["it.bin"]);
    expect(events.at(-1)).toEqual({ kind: "progress", file: "it.bin", received: size, bytes: size });
    expect(server.asked).toEqual([{ url: "/it", range: undefined, ifRange: undefined }]);
  });

  test("after connections that broke, each time from where it stopped, by the entity tag", async () => {
    server.behave(breaksAfter(1_000_000), breaksAfter(500_000), good);
    const { done, events } = await download();
    expect(done && isThere()).toBe(true);
    expect(reasons(events)).toHaveLength(2);
    expect(server.asked.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      [undefined, undefined],
      ["bytes=1000000-", '"one"'],
      ["bytes=1500000-", '"one"'],
    ]);
  });

  test("from a server that ignores ranges, by starting anew", async () => {
    server.behave(breaksAfter(1_000_000), withoutRanges);
    expect((await download()).done && isThere()).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  test("after 503 and 429, which pass", async () => {
    server.behave(status(503), status(429, { "retry-after": "0" }), good);
    const { done, events } = await download();
    expect(done && isThere()).toBe(true);
    expect(reasons(events)).toEqual([
      "the server answered 503 Service Unavailable",
      "the server answered 429 Too Many Requests",
    ]);
  });

  test("after silence", async () => {
    server.behave(stallsAfter(200_000), good);
    const { done, events } = await download({ patience: { stall: 150 } });
    expect(done && isThere()).toBe(true);
    expect(reasons(events)).toEqual(["nothing came for 0.15 s"]);
    expect(server.asked[1]!.range).toBe("bytes=200000-");
  });

  test("after a redirection", async () => {
    server.behave(redirect("/elsewhere"), good);
    expect((await download()).done && isThere()).toBe(true);
    expect(server.asked.map(({ url }) => url)).toEqual(["/it", "/elsewhere"]);
  });

  test("from the second address where the first has none", async () => {
    server.behave(status(404), good);
    const urls = [`${server.address}/gone`, `${server.address}/there`];
    const { done, events } = await download({ urls });
    expect(done && isThere()).toBe(true);
    expect(reasons(events)).toEqual(["the server answered 404 Not Found"]);
  });

  test("from the second address where nobody listens at the first", async () => {
    const { done, events } = await download({ urls: ["http://127.0.0.1:9/it", `${server.address}/it`] });
    expect(done && isThere()).toBe(true);
    expect(reasons(events)[0]).toMatch(/refused|bad port/);
  });
});

describe("wrong bytes are never used and never kept", () => {
  test("of the right size", async () => {
    server.behave(instead(other, { "content-length": String(size) }));
    expect(await failure()).toMatch(
      /it\.bin: .*not the published one, the SHA-256 is [0-9a-f]{64}; expected/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test("of another size, before they are read", async () => {
    server.behave(instead(other.subarray(1), { "content-length": String(size - 1) }));
    expect(await failure()).toContain(`its file has ${size - 1} bytes; expected ${size}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("without end", async () => {
    server.behave((_, response) => {
      const more = () => {
        while (response.write(other)) if (response.destroyed) return;
      };
      response.on("drain", more).writeHead(200);
      more();
    });
    expect(await failure()).toContain(`it sends more than the ${size} bytes`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("packed on the way", async () => {
    server.behave(instead(other, { "content-encoding": "gzip" }));
    expect(await failure()).toContain("answers packed (gzip)");
  });

  test("put together from different files: fetched anew from one", async () => {
    // The first server breaks off in the middle of another file.
    server.behave((_, response) => {
      response.writeHead(200, { "content-length": size });
      response.write(other.subarray(0, 1_000_000), () => response.destroy());
    }, good);
    const { done, events } = await download();
    expect(done && isThere()).toBe(true);
    expect(reasons(events)[1]).toMatch(/not the published one.*starting anew$/);
  });

  test("continued after the file has changed on the server", async () => {
    server.behave(breaksAfter(1_000_000), (_, response) => {
      // If-Range does not match: the whole new file.
      response.writeHead(200, { etag: '"two"', "content-length": size });
      response.end(other);
    });
    expect(await failure()).toContain("not the published one");
  });

  test("of another part than was asked for", async () => {
    server.behave(
      breaksAfter(1_000_000),
      (_, response) => {
        response.writeHead(206, { "content-range": `bytes 0-9/${size}` });
        response.end(content.subarray(0, 10));
      },
      good,
    );
    expect((await download()).done && isThere()).toBe(true);
  });
});

describe("it gives up", () => {
  test("after so many fruitless tries, naming every address and its reason", async () => {
    server.behave(status(500));
    const urls = [`${server.address}/one`, `${server.address}/two`];
    const message = await failure({ urls });
    expect(message).toContain("/one: the server answered 500");
    expect(message).toContain("/two: the server answered 500");
    expect(server.asked).toHaveLength(6);
  });

  test("on a server that gives a little and breaks off, for ever", async () => {
    server.behave(breaksAfter(100));
    expect(await failure()).toMatch(/the first 300 bytes are kept, give the command again/);
    expect(server.asked).toHaveLength(3);
    server.behave(good);
    expect((await download()).done && isThere()).toBe(true);
    expect(server.asked.at(-1)).toMatchObject({ range: "bytes=300-" });
  });

  test("on an endless redirection", async () => {
    server.behave(redirect("/it"));
    expect(await failure()).toMatch(/redirect/);
  });

  test("where the folder cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(download({ into: join(folder, "file") })).rejects.toThrow(/cannot write to .*file/);
  });
});

describe("an interrupt", () => {
  test("keeps what has come, and the next download goes on", async () => {
    server.behave(stallsAfter(2_000_000));
    const stop = new AbortController();
    const stopped = await download({ signal: stop.signal, onEvent: () => stop.abort() });
    expect(stopped.done).toBe(false);
    expect(keptBytes(folder, "it.bin")).toBeGreaterThanOrEqual(2 ** 20);
    const kept = keptBytes(folder, "it.bin");
    server.behave(good);
    expect((await download()).done && isThere()).toBe(true);
    expect(server.asked.at(-1)!.range).toBe(`bytes=${kept}-`);
  });

  test("ends a pause at once", async () => {
    server.behave(status(500));
    const stop = new AbortController();
    const start = Date.now();
    const settings = { signal: stop.signal, patience: { pause: 60_000 } };
    expect((await download({ ...settings, onEvent: () => setTimeout(() => stop.abort(), 20) })).done).toBe(
      false,
    );
    expect(Date.now() - start).toBeLessThan(5000);
  });
});

describe("what others have left", () => {
  const leave = (name: string, bytes: Uint8Array) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "bytes"), bytes);
  };
  // Above every process id of Linux and macOS.
  const dead = 2 ** 30;

  test("a killed process: taken over, the rest of its kind removed", async () => {
    leave(`.partial-it.bin.${dead}-0`, content.subarray(0, 1_234_567));
    leave(".partial-it.bin", content.subarray(0, 10));
    expect((await download()).done && isThere()).toBe(true);
    expect(server.asked[0]!.range).toBe("bytes=1234567-");
    expect(readdirSync(folder)).toEqual(["it.bin"]);
  });

  test("a complete file that nobody had time to check", async () => {
    leave(".partial-it.bin", content);
    expect((await download()).done && isThere()).toBe(true);
    expect(server.asked).toEqual([]);
  });

  test("more than the file has", async () => {
    leave(".partial-it.bin", Buffer.concat([content, content]));
    expect((await download()).done && isThere()).toBe(true);
  });

  test("rubbish of the right size", async () => {
    leave(".partial-it.bin", other);
    expect((await download()).done && isThere()).toBe(true);
  });

  test("a living process: left alone", async () => {
    leave(`.partial-it.bin.${process.ppid}-0`, content.subarray(0, 10));
    expect((await download()).done && isThere()).toBe(true);
    expect(server.asked[0]!.range).toBeUndefined();
    expect(existsSync(join(folder, `.partial-it.bin.${process.ppid}-0`))).toBe(true);
  });
});

test("two at once do not disturb each other", async () => {
  server.behave(breaksAfter(700_000), breaksAfter(900_000), good);
  const both = await Promise.all([download(), download(), download()]);
  expect(both.map(({ done }) => done)).toEqual([true, true, true]);
  expect(isThere()).toBe(true);
  expect(readdirSync(folder)).toEqual(["it.bin"]);
});
