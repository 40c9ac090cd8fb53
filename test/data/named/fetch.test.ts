// Data sets from a server on this machine: fetched, unpacked, recognised, repaired, used by name.

import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FetchEvent, type FetchOptions, fetchDataset } from "../../../src/data/named/fetch.ts";
import type { NamedDataset } from "../../../src/data/named/namedDataset.ts";
import { datasetState, findDataset, ownDatasets } from "../../../src/data/named/state.ts";
import { RequestError, WorkError } from "../../../src/errors.ts";
import { zip } from "./archives.ts";
import { breaksAfter, type FileServer, good, serve, stallsAfter, status } from "./server.ts";

const text = Buffer.from("All the world's a stage. ".repeat(4000));
const archive = zip([
  { name: "raw/train", content: text },
  { name: "raw/valid", content: Buffer.from("And one man in his time plays many parts") },
  { name: "raw/noise", content: randomBytes(400_000) },
]);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let base: string;
let folders: string[];
let folder: string;
let server: FileServer;
let packed: NamedDataset;
let count = 0;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-fetch-"));
  server = await serve(archive);
  packed = {
    name: "stage",
    kind: "text",
    description: "one sentence",
    licence: "public domain",
    downloads: [
      {
        file: "stage.zip",
        urls: [`${server.address}/stage.zip`],
        bytes: archive.length,
        sha256: sha256(archive),
        checksum: "computed",
        unpack: {
          kind: "zip",
          files: [
            { entry: "raw/train", file: "train.txt", atMost: 200_000, sha256: sha256(text) },
            { entry: "raw/valid", file: "val.txt", atMost: 1000 },
          ],
        },
      },
    ],
  };
});
beforeEach(() => {
  folders = [join(base, String(count++))];
  folder = join(folders[0]!, "stage");
  server.asked.length = 0;
  server.behave(good);
});
afterAll(async () => {
  await server.close();
  rmSync(base, { recursive: true });
});

async function fetchAll(options: Partial<FetchOptions> = {}, onEvent?: (event: FetchEvent) => void) {
  const events: FetchEvent[] = [];
  const patience = { stall: 5000, pause: 1, tries: 2 };
  for await (const event of fetchDataset({ dataset: packed, folders, patience, ...options })) {
    events.push(event);
    onEvent?.(event);
  }
  const end = events.at(-1)!;
  if (end.kind !== "end") throw new Error("no end");
  return { events, end };
}

async function failure(kind: typeof RequestError | typeof WorkError, options: Partial<FetchOptions> = {}) {
  const error = await fetchAll(options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).not.toContain("\n");
  return (error as Error).message;
}

describe("fetching", () => {
  test("leaves the unpacked files and a record, not the archive", async () => {
    const { events, end } = await fetchAll();
    expect(readdirSync(folder).sort()).toEqual(["fetched.json", "train.txt", "val.txt"]);
    expect(readFileSync(join(folder, "train.txt")).equals(text)).toBe(true);
    expect(events[0]).toEqual({ kind: "start", folder, bytes: archive.length });
    expect(end).toMatchObject({ reason: "done", folder });
    expect(end.files[0]).toEqual({ file: "train.txt", bytes: text.length, sha256: sha256(text) });
    expect(datasetState(packed, folder).kind).toBe("fetched");
  });

  test("a second time asks nobody, but computes every checksum", async () => {
    await fetchAll();
    server.asked.length = 0;
    expect((await fetchAll()).end).toMatchObject({ reason: "present", folder });
    expect(server.asked).toEqual([]);
  });

  test("repairs what is damaged, in size or in content", async () => {
    await fetchAll();
    writeFileSync(join(folder, "val.txt"), "short");
    expect(datasetState(packed, folder)).toEqual({
      kind: "damaged",
      why: "val.txt has 5 bytes; expected 40",
    });
    expect((await fetchAll()).end.reason).toBe("done");
    writeFileSync(join(folder, "train.txt"), Buffer.from(text).fill(1, 7, 8));
    expect((await fetchAll()).end.reason).toBe("done");
    expect(readFileSync(join(folder, "train.txt")).equals(text)).toBe(true);
  });

  test("uses an archive that was put there, without a network, and leaves it", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "stage.zip"), archive);
    server.behave(status(500));
    expect((await fetchAll()).end.reason).toBe("done");
    expect(server.asked).toEqual([]);
    expect(existsSync(join(folder, "stage.zip"))).toBe(true);
  });

  test("takes the files from another address, held to the same checksum", async () => {
    await fetchAll({ from: `${server.address}/mirror/` });
    expect(server.asked.map(({ url }) => url)).toEqual(["/mirror/stage.zip"]);
  });

  test("goes on after an interrupt", async () => {
    server.behave(stallsAfter(300_000));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    expect((await fetchAll({ signal: stop.signal })).end).toEqual({
      kind: "end",
      reason: "aborted",
      folder,
      files: [],
    });
    expect(datasetState(packed, folder)).toEqual({ kind: "partial", bytes: 300_000 });
    server.behave(good);
    const { events } = await fetchAll();
    expect(events[0]).toMatchObject({ kind: "start", bytes: archive.length - 300_000 });
    expect(server.asked.at(-1)!.range).toBe("bytes=300000-");
  });

  test("by two processes' worth of callers at once harms neither", async () => {
    server.behave(breaksAfter(100_000), breaksAfter(150_000), good);
    const ends = await Promise.all([fetchAll(), fetchAll(), fetchAll()]);
    for (const { end } of ends) expect(["done", "present"]).toContain(end.reason);
    expect(readFileSync(join(folder, "train.txt")).equals(text)).toBe(true);
    expect(datasetState(packed, folder).kind).toBe("fetched");
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

describe("what is there already", () => {
  test("is recognised by published checksums", async () => {
    const single: NamedDataset = {
      ...packed,
      downloads: [
        {
          file: "input.txt",
          urls: ["http://127.0.0.1:1/"],
          bytes: text.length,
          sha256: sha256(text),
          checksum: "computed",
        },
      ],
    };
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "input.txt"), text);
    expect(datasetState(single, folder).kind).toBe("present");
    expect((await fetchAll({ dataset: single })).end.reason).toBe("present");
    writeFileSync(join(folder, "input.txt"), "something else");
    expect(await failure(RequestError, { dataset: single })).toMatch(
      /input\.txt is there and its SHA-256 is not [0-9a-f]{64}; use it by its path.*--force/,
    );
    expect(readFileSync(join(folder, "input.txt"), "utf8")).toBe("something else");
  });

  test("is not overwritten without force", async () => {
    mkdirSync(folder, { recursive: true });
    for (const file of ["train.txt", "val.txt"]) writeFileSync(join(folder, file), "mine");
    expect(await failure(RequestError)).toContain("train.txt is there and its SHA-256 is not");
    writeFileSync(join(folder, "train.txt"), text);
    expect(await failure(RequestError)).toContain("val.txt is there and nothing vouches for it");
    expect((await fetchAll({ force: true })).end.reason).toBe("done");
    expect(readFileSync(join(folder, "val.txt"), "utf8")).toContain("many parts");
  });

  test("in the second folder counts, too", async () => {
    await fetchAll();
    const both = [join(base, "elsewhere"), folders[0]!];
    server.behave(status(500));
    expect((await fetchAll({ folders: both })).end).toMatchObject({ reason: "present", folder });
    expect(findDataset(packed, both)).toMatchObject({ folder, state: { kind: "fetched" } });
  });

  test("is told apart from nothing and from other files", () => {
    expect(datasetState(packed, folder).kind).toBe("absent");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "notes.md"), "");
    expect(datasetState(packed, folder).kind).toBe("other");
    writeFileSync(join(folder, "fetched.json"), '{"format": "scantling data 1", "__proto__": 1}');
    expect(datasetState(packed, folder).kind).toBe("other");
  });

  test("and has no published name is the user's own", () => {
    mkdirSync(join(folders[0]!, "novels"), { recursive: true });
    writeFileSync(join(folders[0]!, "novels", "train.txt.gz"), "");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "train.txt"), "");
    mkdirSync(join(folders[0]!, "pictures"));
    expect(ownDatasets([...folders, join(base, "gone")], [packed])).toEqual([
      { name: "novels", path: join(folders[0]!, "novels") },
    ]);
  });
});

describe("what goes wrong", () => {
  test("too little space is found before anything is fetched", async () => {
    expect(await failure(WorkError, { freeBytes: () => 1000 })).toMatch(
      /stage needs up to [\d,]+ bytes in .*stage, where 1,000 bytes are free; free some space/,
    );
    expect(server.asked).toEqual([]);
  });

  test("an archive that does not hold what it should", async () => {
    const [download] = packed.downloads;
    const unpack = { kind: "zip" as const, files: [{ entry: "raw/gone", file: "train.txt", atMost: 10 }] };
    const dataset = { ...packed, downloads: [{ ...download!, unpack }] };
    expect(await failure(WorkError, { dataset })).toMatch(/cannot unpack .*stage\.zip: it lacks raw\/gone/);
    expect(readdirSync(folder).filter((name) => name !== "stage.zip")).toEqual([]);
  });

  test("an address that is none", async () => {
    expect(await failure(RequestError, { from: "mirror.local" })).toMatch(
      /mirror\.local is no address; expected/,
    );
  });

  test("a reader who leaves in the middle: nothing is left running, what has come is kept", async () => {
    server.behave(stallsAfter(300_000));
    const events = fetchDataset({ dataset: packed, folders, patience: { stall: 100, pause: 1, tries: 5 } });
    for await (const event of events) if (event.kind === "trouble") break;
    expect(datasetState(packed, folder)).toEqual({ kind: "partial", bytes: 300_000 });
  });

  test("a folder in which a file is in the way", async () => {
    mkdirSync(folders[0]!, { recursive: true });
    writeFileSync(folder, "");
    expect(await failure(RequestError)).toMatch(
      /no folder can be written \(.*stage: .*\); name one with --out/,
    );
  });

  test.skipIf(process.getuid?.() === 0)("a folder that is read-only: the next one is used", async () => {
    mkdirSync(folders[0]!, { recursive: true });
    chmodSync(folders[0]!, 0o500);
    const cache = join(base, "cache");
    expect((await fetchAll({ folders: [folders[0]!, cache] })).end.folder).toBe(join(cache, "stage"));
  });

  test("a folder that cannot be made: the next one is used", async () => {
    const cache = join(base, `cache${count}`);
    expect((await fetchAll({ folders: ["/proc/nothing", cache] })).end.folder).toBe(join(cache, "stage"));
    expect(statSync(join(cache, "stage", "train.txt")).size).toBe(text.length);
  });
});
