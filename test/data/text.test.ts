import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { joinDocuments, type TextData } from "../../src/data/document.ts";
import { loadText, type TextRequest } from "../../src/data/text.ts";
import { RequestError } from "../../src/errors.ts";
import { nearest } from "../../src/nearest.ts";

let folder: string;
let server: Server;
let address: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "scantling-text-"));
  const write = (path: string, content: string | Uint8Array): void => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  write("one.txt", "first file");
  write("mark.txt", "\ufeffwith a mark");
  write("packed.txt.gz", gzipSync("packed text"));
  write("broken.gz", gzipSync("packed text".repeat(100)).subarray(0, 30));
  write("empty.txt", "");
  write("nul.bin", new Uint8Array([65, 0, 66]));
  write("latin.txt", new Uint8Array([0x63, 0x61, 0x66, 0xe9]));
  write("many/b.txt", "B");
  write("many/a.txt", "A");
  write("many/deep/c.txt.gz", gzipSync("C"));
  write("many/none.txt", "");
  write("many/picture.png", new Uint8Array([0, 1, 2]));
  mkdirSync(join(folder, "bare"));
  write("sets/plays/input.txt", "a play");
  write("sets/plays/NOTES.txt", "not this");
  write("sets/novels/train.txt.gz", gzipSync("training"));
  write("sets/novels/val_same.txt", "held out");
  write("sets/novels/test.txt", "never read");
  write("sets/lone/train.txt", "training only");
  write("sets/lone/test.txt", "never read");
  write("sets/loose/x.txt", "X");
  write("sets/loose/y.txt", "Y");
  write("sets/pictures/images.npz", "zip");
  server = createServer((request, response) => {
    if (request.url === "/good.txt") response.end("from afar");
    else if (request.url === "/good.txt.gz") response.end(gzipSync("from afar, packed"));
    else {
      response.statusCode = 404;
      response.end("nothing here");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const load = (data: string, more: Partial<TextRequest> = {}): Promise<TextData> =>
  loadText({ data: data.replace("$", folder), dataFolder: join(folder, "sets"), ...more });

const read = (data: TextData): string =>
  data.kind === "whole"
    ? new TextDecoder().decode(joinDocuments(data.documents))
    : `${new TextDecoder().decode(joinDocuments(data.training))} / ${new TextDecoder().decode(joinDocuments(data.validation))}`;

describe("what is found", () => {
  test.each([
    ["a file", "$/one.txt", "first file"],
    ["a file with a byte-order mark", "$/mark.txt", "with a mark"],
    ["a packed file", "$/packed.txt.gz", "packed text"],
    ["a folder, sorted, below too, other kinds and empty files left out", "$/many", "A\nB\nC"],
    ["a glob", "$/many/{b,a}.txt", "A\nB"],
    ["a folder by path with a split", "$/sets/novels", "training / held out"],
    ["a name with input.txt", "plays", "a play"],
    ["a name with a split", "novels", "training / held out"],
    ["a name with training text alone", "lone", "training only"],
    ["a name with other files", "loose", "X\nY"],
  ])("%s", async (_, data, expected) => {
    expect(read(await load(data))).toBe(expected);
  });

  test("an address, plain and packed", async () => {
    expect(read(await load(`${address}/good.txt`))).toBe("from afar");
    expect(read(await load(`${address}/good.txt.gz`))).toBe("from afar, packed");
  });

  test("any bytes where they are asked for", async () => {
    const data = await load("$/nul.bin", { binary: true });
    expect(data.kind === "whole" && [...data.documents[0]!.bytes]).toEqual([65, 0, 66]);
  });
});

describe("what is refused, in one line", () => {
  test.each([
    ["nothing", " ", /got an empty string/],
    ["a missing file", "$/absent.txt", /absent\.txt does not exist; expected a file, folder, glob/],
    ["an empty file", "$/empty.txt", /empty\.txt is empty; expected some text/],
    ["NUL bytes", "$/nul.bin", /nul\.bin is not text: it has a NUL byte at offset 1;.*byte tokenizer/],
    ["another encoding", "$/latin.txt", /latin\.txt is not text: .* not valid UTF-8; expected UTF-8/],
    ["a damaged gzip file", "$/broken.gz", /cannot unpack .*broken\.gz: .*damaged/],
    ["a folder without text", "$/bare", /bare holds no \.txt or \.txt\.gz file/],
    ["a glob without a match", "$/many/*.md", /no file matches .*many\/\*\.md/],
    [
      "a name close to one",
      "playz",
      /called playz .*expected one of enwik8, lone, loose, novels, plays, text8, .*; did you mean plays\?/,
    ],
    ["a name far from all", "cathedrals", /expected one of enwik8, lone, loose, .*, wikitext-2$/],
    ["a data set without text", "pictures", /pictures holds no \.txt/],
    ["a name too long", `${"a".repeat(5000)}`, /the name is too long/],
  ])("%s", async (_, data, message) => {
    const error = await load(data).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RequestError);
    expect((error as RequestError).message).toMatch(message);
    expect((error as RequestError).message).not.toContain("\n");
  });

  test("what never ends or answers", async () => {
    await expect(load("/dev/zero", { binary: true })).rejects.toThrow(
      /\/dev\/zero: it is a pipe or a device, not a file/,
    );
  });

  test("a name without a folder of data sets", async () => {
    await expect(load("plays", { dataFolder: undefined })).rejects.toThrow(/SCANTLING_DATA must name/);
  });

  test("a folder of data sets that is missing", async () => {
    await expect(load("plays", { dataFolder: join(folder, "gone") })).rejects.toThrow(
      /looked in .*gone, which does not exist\)/,
    );
  });

  test("an address that is not there", async () => {
    await expect(load(`${address}/bad.txt`)).rejects.toThrow(/the server answered 404.*check the address/);
  });

  test("a host that does not answer", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(load(`http://127.0.0.1:${port}/x.txt`)).rejects.toThrow(
      /cannot fetch .*the connection was refused.*download the file/,
    );
  });

  test.skipIf(process.getuid?.() === 0)("a file that may not be read", async () => {
    const path = join(folder, "locked.txt");
    writeFileSync(path, "secret");
    chmodSync(path, 0);
    await expect(load(path)).rejects.toThrow(/permission denied/);
  });
});

test("the nearest name", () => {
  expect(nearest("tinyshakespear", ["tinyshakespeare", "novels"])).toBe("tinyshakespeare");
  expect(nearest("Novel", ["tinyshakespeare", "novels"])).toBe("novels");
  expect(nearest("xyz", ["tinyshakespeare", "novels"])).toBeNull();
});

describe("a data set with a published name", () => {
  const sets = (): string[] => [join(folder, "own"), join(folder, "cache")];
  const put = (path: string, content: string | Uint8Array): void => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  };

  test("that is not here: what to do, with and without a network", async () => {
    const error = await load("wikitext-2", { dataFolder: sets() }).catch((reason: unknown) => reason);
    const { message } = error as Error;
    expect(error).toBeInstanceOf(RequestError);
    expect(message).toMatch(
      /wikitext-2 is not on this machine \(looked in .*own and .*cache\); fetch its 5 MB with: /,
    );
    expect(message).toContain("scantling data fetch wikitext-2;");
    expect(message).toMatch(
      /4,721,645 bytes, SHA-256 ef7e[0-9a-f]{60}\) as .*own.wikitext-2.wikitext-2-raw-v1\.zip/,
    );
  });

  test("of which something has come is not here", async () => {
    put("cache/tinyshakespeare/.partial-input.txt/bytes", "First Cit");
    await expect(load("tinyshakespeare", { dataFolder: sets() })).rejects.toThrow(/is not on this machine/);
  });

  test("is found in any of the folders, the first first", async () => {
    put("cache/tinyshakespeare/input.txt", "from the cache");
    expect(read(await load("tinyshakespeare", { dataFolder: sets() }))).toBe("from the cache");
    put("own/tinyshakespeare/input.txt", "from the own");
    expect(read(await load("tinyshakespeare", { dataFolder: sets() }))).toBe("from the own");
  });

  test("is cut where everybody cuts it, and its test part left out", async () => {
    // The cut at 90 million falls into a character of three bytes.
    const bytes = new Uint8Array(100_000_000).fill(0x61);
    bytes.set([0xe2, 0x82, 0xac], 89_999_999);
    put("own/text8/input.txt", bytes);
    const cuts = async (binary: boolean) => {
      const data = await load("text8", { dataFolder: sets(), binary });
      if (data.kind !== "split") throw new Error("not split");
      return [data.training[0]!.bytes.length, data.validation[0]!.bytes.length];
    };
    expect(await cuts(true)).toEqual([90_000_000, 5_000_000]);
    expect(await cuts(false)).toEqual([90_000_002, 4_999_998]);
    put("own/text8/input.txt", "another text");
    expect((await load("text8", { dataFolder: sets() })).kind).toBe("whole");
  });

  test("that is no longer what was fetched is refused", async () => {
    put("own/enwik8/input.txt", "cut short");
    const files = [{ file: "input.txt", bytes: 100, sha256: "0".repeat(64) }];
    put("own/enwik8/fetched.json", JSON.stringify({ format: "scantling data 1", name: "enwik8", files }));
    await expect(load("enwik8", { dataFolder: sets() })).rejects.toThrow(
      /enwik8 in .*own.enwik8 is damaged: input\.txt has 9 bytes; expected 100; fetch it again with: scantling data fetch/,
    );
    put("own/enwik8/input.txt", "a".repeat(100));
    await expect(load("enwik8", { dataFolder: sets() })).rejects.toThrow(
      /is damaged: the SHA-256 of input\.txt is not what it was when it was fetched; fetch it again/,
    );
  });
});
