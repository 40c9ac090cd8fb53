import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Interruption } from "../../src/cli/failure.ts";
import { refusal, scantling, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Cell {
  readonly name: string;
  readonly width: number;
  readonly length: number;
  readonly batch: number;
  readonly times: readonly number[];
  readonly gflops: number;
  readonly peakGflops: number | null;
  readonly shareOfPeak: number | null;
}

interface Document {
  readonly cells: readonly Cell[];
  readonly skipped: readonly { readonly reason: string }[];
}

const shapes = ["--widths", "16,32", "--lengths", "4,8", "--tokens", "16", "--repeats", "2"];
const reference = ["bench", "--primitives", "gelu,min-gru", ...shapes, "--backend", "reference"];
const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as Document;

describe("bench --primitives", () => {
  it("prints one JSON document with a cell for every name, width and length", async () => {
    const { exitCode, out, err } = await scantling([...reference, "--json", "--seed", "3"]);
    expect(exitCode).toBe(0);
    const document = JSON.parse(out) as Document;
    expect(document).toMatchObject({
      ...{ workload: "primitives", backend: "reference", threads: 1, seed: 3, repeats: 2, tokens: 16 },
      ...{ primitives: ["gelu", "min-gru"], widths: [16, 32], lengths: [4, 8], skipped: [] },
    });
    const shapesOf = (name: string) => document.cells.filter((cell) => cell.name === name);
    for (const name of ["gelu", "min-gru"]) {
      expect(shapesOf(name).map(({ width, length, batch }) => [width, length, batch])).toEqual([
        [16, 4, 4],
        [16, 8, 2],
        [32, 4, 4],
        [32, 8, 2],
      ]);
    }
    expect(document.cells[0]).toMatchObject({ countedBy: "16d²", memory: null, shareOfPeak: null });
    expect(err).toMatch(/^gelu +16 x 4 .* tokens\/s .* ms .* GFLOP\/s, planned in .* ms, 16d²$/m);
  });

  it("measures the peak beside every cell of a fast backend", async () => {
    const native = ["bench", "--primitives", "swiglu", "--widths", "32", "--lengths", "8", "--tokens", "64"];
    const { exitCode, out } = await scantling(
      [...native, "--backend", "native", "--threads", "2", "--json"],
      {
        environment: process.env,
      },
    );
    expect(exitCode).toBe(0);
    const { cells } = JSON.parse(out) as Document;
    expect(cells).toHaveLength(1);
    expect(cells[0]!.times).toHaveLength(5);
    expect(cells[0]!.shareOfPeak).toBeCloseTo(cells[0]!.gflops / cells[0]!.peakGflops!, 9);
    expect(cells[0]!.shareOfPeak).toBeLessThan(1.1);
    const { out: text } = await scantling([...native, "--backend", "native"], { environment: process.env });
    expect(text).toMatch(/swiglu +32 x 8 .* arena .* planned in/);
    expect(text).toMatch(/\npeak: \d+ GFLOP\/s/);
  });

  it("leaves out what needs more memory than it may take, and says so", async () => {
    const words = ["bench", "--primitives", "gelu", "--widths", "8,512", "--lengths", "8", "--tokens", "64"];
    const { exitCode, out } = await scantling(
      [...words, "--memory", "1MB", "--backend", "native", "--json"],
      {
        environment: process.env,
      },
    );
    expect(exitCode).toBe(0);
    const { cells, skipped } = JSON.parse(out) as Document;
    expect(cells.map(({ width }) => width)).toEqual([8]);
    expect(skipped).toMatchObject([{ name: "gelu", width: 512, reason: expect.stringContaining("needs") }]);
  });

  it("ends after the cell at an interrupt with what is finished in the file, and goes on from there", async () => {
    const file = join(folder.path, "interrupted.json");
    const stop = new AbortController();
    const stopped = await scantling([...reference, "--json", "--out", file], {
      signal: stop.signal,
      onError: (text) => text.includes("16 x 8") && stop.abort(new Interruption(130)),
    });
    expect(stopped.exitCode).toBe(130);
    const before = read(file);
    expect(before.cells).toHaveLength(2);
    expect(JSON.parse(stopped.out)).toEqual(before);

    const again = await refusal([...reference, "--out", file]);
    expect([again.exitCode, again.err]).toEqual([2, expect.stringContaining("the file exists")]);

    const resumed = await scantling([...reference, "--json", "--out", file, "--resume"]);
    expect(resumed.exitCode).toBe(0);
    const after = read(file);
    expect(after.cells).toHaveLength(8);
    expect(after.cells.slice(0, 2)).toEqual(before.cells);
    expect(JSON.parse(resumed.out)).toEqual(after);

    const nothingLeft = await scantling([...reference, "--json", "--out", file, "--resume"]);
    expect(JSON.parse(nothingLeft.out)).toEqual(after);
  });

  it("keeps finished cells behind one that is missing", async () => {
    const file = join(folder.path, "gap.json");
    await scantling([...reference, "--out", file]);
    const { cells, ...rest } = read(file);
    writeFileSync(file, JSON.stringify({ ...rest, cells: cells.slice(1) }));
    const stop = new AbortController();
    stop.abort(new Interruption(130));
    const { exitCode } = await scantling([...reference, "--out", file, "--resume"], { signal: stop.signal });
    expect([exitCode, read(file).cells.length]).toEqual([130, 7]);
    await scantling([...reference, "--out", file, "--resume"]);
    expect(read(file).cells.slice(1)).toEqual(cells.slice(1));
  });

  it("begins with --resume where there is no file yet", async () => {
    const file = join(folder.path, "new.json");
    const { exitCode } = await scantling([...reference, "--out", file, "--resume"]);
    expect([exitCode, read(file).cells.length]).toEqual([0, 8]);
  });

  it("does not go on with another request or with a damaged file", async () => {
    const file = join(folder.path, "other.json");
    await scantling([...reference, "--out", file]);
    const other = await refusal([...reference, "--seed", "1", "--out", file, "--resume"]);
    expect(other.exitCode).toBe(2);
    expect(other.err).toContain("has seed 0 and this request 1");
    const whole = readFileSync(file, "utf8");
    const record = JSON.parse(whole) as Document;
    for (const damaged of [
      whole.slice(0, -20),
      "[]",
      JSON.stringify({ ...record, cells: [{ ...record.cells[0], times: ["fast"] }] }),
      JSON.stringify({ ...record, cells: [{ ...record.cells[0], gflops: null }] }),
      JSON.stringify({ ...record, more: 1 }),
    ]) {
      writeFileSync(file, damaged);
      const { exitCode, err } = await refusal([...reference, "--out", file, "--resume"]);
      expect(exitCode).toBe(2);
      expect(err).toMatch(/is no record of bench --primitives \(.+\); name another --out/);
      expect(readFileSync(file, "utf8")).toBe(damaged);
    }
  });

  it.each([
    [["--primitives", "mambo"], "bench: --primitives mambo: there is no such primitive; did you mean mamba?"],
    [["--primitives", "quantum-resonator"], "expected some of attention, sliding-attention"],
    [["--primitives", "gelu,,lstm"], "Expected names separated by commas."],
    [["--primitives", "--widths", "0"], "Expected a whole number of at least 1."],
    [["--primitives", "--lengths", "128,fast"], "Expected a whole number of at least 1."],
    [
      ["--primitives", "attention", "--widths", "200"],
      "attention at width 200, length 128: width 200 is not",
    ],
    [["--primitives", "--workload", "W1"], "--workload does not go with --primitives; leave one of them out"],
    [["--primitives", "--steps", "3"], "--steps does not go with --primitives"],
    [["--primitives", "--kv-heads", "3"], "--kv-heads does not go with --primitives"],
    [["--primitives", "--explain"], "--explain does not go with --primitives"],
    [["--primitives", "--width", "64"], "--width does not go with --primitives; --widths takes a list"],
    [["--widths", "64"], "--widths is of --primitives; add that or leave --widths out"],
    [["--resume"], "--resume is of --primitives"],
    [["--primitives", "--resume"], "--resume needs --out"],
    [
      ["--primitives", "--resume", "--force", "--out", "x.json"],
      "--resume keeps what --force would overwrite",
    ],
  ])("refuses %j", async (words, line) => {
    const { exitCode, err } = await refusal(["bench", ...words, "--backend", "reference"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(line)]);
  });
});
