// Damage of every kind to checkpoints: each is refused by name, the newest valid one is used, nothing is lost, and the
// run ends with the bits of one that was never disturbed.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createReference } from "../../src/backend/reference.ts";
import { WorkError } from "../../src/errors.ts";
import { keepCheckpoints, readCheckpoint } from "../../src/train/checkpoint.ts";
import type { DamagedEvent, StartEvent, TrainEvent } from "../../src/train/events.ts";
import { readLog } from "../../src/train/log.ts";
import { DamagedCheckpoint } from "../../src/train/manifest.ts";
import { openModel } from "../../src/train/model.ts";
import { resume } from "../../src/train/resume.ts";
import { train } from "../../src/train/train.ts";
import { collect, failure, tinyRun } from "./harness.ts";

const files = ["model.safetensors", "optimizer.safetensors", "manifest.json"] as const;

let base: string;
let text: string;
/** A run with checkpoints of steps 5, 10 and 12, one of another seed, and one of another width. */
let finished: string;
let otherSeed: string;
let otherWidth: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "scantling-restore-"));
  text = join(base, "abc.txt");
  writeFileSync(text, "abcd".repeat(60));
  [finished, otherSeed, otherWidth] = ["run", "seed", "width"].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  await collect(train(tinyRun(finished, text)));
  const { training } = tinyRun(finished, text);
  await collect(train(tinyRun(otherSeed, text, { training: { ...training, seed: 4 } })));
  const architecture = { length: 4, width: 12, heads: 2, feedforward: 8 };
  await collect(train(tinyRun(otherWidth, text, { architecture })));
}, 60_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

let counter = 0;
function copyOfFinished(): string {
  const folder = join(base, `copy${counter++}`);
  cpSync(finished, folder, { recursive: true });
  return folder;
}

const checkpoint = (folder: string, step: number, file = "") =>
  join(folder, "checkpoints", String(step), file);
const resumed = (folder: string) => collect(resume({ machine: createReference(), folder }));
const startOf = (events: readonly TrainEvent[]) => events.find(({ kind }) => kind === "start") as StartEvent;
const damageOf = (events: readonly TrainEvent[]): DamagedEvent[] =>
  events.filter((event) => event.kind === "damaged");

/** Every file under a folder with its content. */
function contentOf(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(paths.map((path) => [path, readFileSync(path, "base64")]));
}

function expectSameEnd(folder: string): void {
  for (const file of files.slice(0, 2)) {
    expect(
      readFileSync(checkpoint(folder, 12, file)).equals(readFileSync(checkpoint(finished, 12, file))),
    ).toBe(true);
  }
}

const edit = (path: string, change: (content: Buffer) => Buffer | string) =>
  writeFileSync(path, change(readFileSync(path)));
const flip = (content: Buffer) => {
  content[content.length - 3]! ^= 1;
  return content;
};
const cut = (content: Buffer) => content.subarray(0, 100);
const inFile = (file: string, change: (content: Buffer) => Buffer | string) => (folder: string) =>
  edit(checkpoint(folder, 12, file), change);

type Damage = [what: string, damage: (folder: string) => void, file: string, why: string | RegExp];

describe("the newest checkpoint is refused and the one before it used", () => {
  test.each<Damage>([
    ["weights with a bit flipped", inFile(files[0], flip), files[0], "SHA-256"],
    ["weights cut short", inFile(files[0], cut), files[0], "it has 100 bytes"],
    ["empty weights", inFile(files[0], () => ""), files[0], "it has 0 bytes"],
    ["states with a bit flipped", inFile(files[1], flip), files[1], "SHA-256"],
    ["states cut short", inFile(files[1], cut), files[1], "it has 100 bytes"],
    [
      "a manifest with a digit changed",
      inFile(files[2], (json) => json.toString().replace(/("loss": \d\.\d*)\d/, "$19")),
      files[2],
      "SHA-256",
    ],
    ["a manifest cut short", inFile(files[2], cut), files[2], "not JSON"],
    ["a manifest with other keys", inFile(files[2], () => '{"format":1}'), files[2], "format"],
    [
      "a manifest of another version",
      inFile(files[2], (json) => json.toString().replace("checkpoint 2", "checkpoint 3")),
      files[2],
      'format is "scantling checkpoint 3"',
    ],
    ...files.map(
      (file): Damage => [
        `without ${file}`,
        (folder) => rmSync(checkpoint(folder, 12, file)),
        file,
        "does not exist",
      ],
    ),
    [
      "an empty folder",
      (folder) => {
        rmSync(checkpoint(folder, 12), { recursive: true });
        mkdirSync(checkpoint(folder, 12));
      },
      files[2],
      "does not exist",
    ],
    [
      "a file in place of the folder",
      (folder) => {
        rmSync(checkpoint(folder, 12), { recursive: true });
        writeFileSync(checkpoint(folder, 12), "");
      },
      files[2],
      "a file is in the way",
    ],
    [
      "a folder in place of a file",
      (folder) => {
        rmSync(checkpoint(folder, 12, files[0]));
        mkdirSync(checkpoint(folder, 12, files[0]));
      },
      files[0],
      "it is a folder",
    ],
    [
      "weights of another step",
      (folder) => cpSync(checkpoint(folder, 10, files[0]), checkpoint(folder, 12, files[0])),
      files[0],
      "SHA-256",
    ],
    [
      "weights and states swapped",
      (folder) => {
        renameSync(checkpoint(folder, 12, files[0]), join(folder, "aside"));
        renameSync(checkpoint(folder, 12, files[1]), checkpoint(folder, 12, files[0]));
        renameSync(join(folder, "aside"), checkpoint(folder, 12, files[1]));
      },
      files[0],
      /bytes|SHA-256/,
    ],
    [
      "the folder of another step",
      (folder) => {
        rmSync(checkpoint(folder, 12), { recursive: true });
        cpSync(checkpoint(folder, 5), checkpoint(folder, 12), { recursive: true });
      },
      files[2],
      "it is of step 5",
    ],
    [
      "the folder of another run",
      (folder) => {
        rmSync(checkpoint(folder, 12), { recursive: true });
        cpSync(checkpoint(otherSeed, 12), checkpoint(folder, 12), { recursive: true });
      },
      "",
      "it belongs to another run",
    ],
    [
      "the folder of another architecture",
      (folder) => {
        rmSync(checkpoint(folder, 12), { recursive: true });
        cpSync(checkpoint(otherWidth, 12), checkpoint(folder, 12), { recursive: true });
      },
      "",
      "it belongs to another run",
    ],
  ])("%s", async (_, damage, file, why) => {
    const folder = copyOfFinished();
    damage(folder);
    const before = contentOf(join(folder, "checkpoints"));
    const events = await resumed(folder);
    const told = damageOf(events);
    expect(told.map(({ step, path }) => [step, path])).toEqual([[12, join(checkpoint(folder, 12), file)]]);
    expect(told[0]!.why).toMatch(why);
    expect(events.indexOf(startOf(events))).toBe(1);
    expect(startOf(events)).toMatchObject({ step: 10, notBitwise: null });
    expectSameEnd(folder);
    // Nothing of what was refused is lost, and the log tells of it.
    const after = contentOf(join(folder, "checkpoints"));
    for (const [path, content] of before) {
      expect(after.get(path.replace("checkpoints/12", "checkpoints/12.refused"))).toBe(content);
    }
    expect(readLog(folder)).toContainEqual(told[0]);
    expect(damageOf(await resumed(folder))).toEqual([]);
  });

  test("a newest checkpoint that is gone", async () => {
    const folder = copyOfFinished();
    rmSync(checkpoint(folder, 12), { recursive: true });
    const events = await resumed(folder);
    expect(damageOf(events)).toEqual([
      { kind: "damaged", step: 12, path: join(folder, "checkpoints", "12"), why: "it does not exist" },
    ]);
    expect(startOf(events).step).toBe(10);
    expectSameEnd(folder);
  });

  test("two of three", async () => {
    const folder = copyOfFinished();
    edit(checkpoint(folder, 12, files[0]), flip);
    edit(checkpoint(folder, 10, files[1]), cut);
    const events = await resumed(folder);
    expect(damageOf(events).map(({ step }) => step)).toEqual([12, 10]);
    expect(startOf(events).step).toBe(5);
    expectSameEnd(folder);
    expect(readdirSync(join(folder, "checkpoints")).sort()).toEqual([
      "10",
      "10.refused",
      "12",
      "12.refused",
      "5",
    ]);
  });

  test("weights that do not fit, although their manifest vouches for them", async () => {
    // As after an error of the program: the hashes are right, the tensors are another model's.
    const [folder, wide] = [copyOfFinished(), join(base, "forged")];
    cpSync(otherWidth, wide, { recursive: true });
    const config = (of: string) => join(of, "config.json");
    const { hash } = JSON.parse(readFileSync(config(wide), "utf8")) as { hash: string };
    const settings = JSON.parse(readFileSync(config(folder), "utf8")) as Record<string, unknown>;
    rmSync(checkpoint(folder, 12), { recursive: true });
    cpSync(checkpoint(wide, 12), checkpoint(folder, 12), { recursive: true });
    const { createHash } = await import("node:crypto");
    const sorted = (_: string, value: unknown): unknown =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value;
    const {
      format,
      hash: own,
      ...content
    } = { ...settings, earlier: [hash, settings.hash] } as Record<string, unknown>;
    expect(own).toBe(settings.hash);
    const renewed = createHash("sha256").update(JSON.stringify(content, sorted)).digest("hex");
    writeFileSync(config(folder), JSON.stringify({ format, hash: renewed, ...content }));
    const events = await resumed(folder);
    expect(damageOf(events)[0]!.why).toMatch(/tensor ".*" is \[\d+(,12)?\]; expected \[\d+(,8)?\]/);
    expect(startOf(events).step).toBe(10);
  });
});

describe("where no checkpoint is valid", () => {
  test("nothing is changed, and each is named", async () => {
    const folder = copyOfFinished();
    edit(checkpoint(folder, 12, files[0]), flip);
    edit(checkpoint(folder, 10, files[1]), cut);
    rmSync(checkpoint(folder, 5, files[2]));
    const before = contentOf(folder);
    const events: TrainEvent[] = [];
    const run = async () => {
      for await (const event of resume({ machine: createReference(), folder })) events.push(event);
    };
    await expect(run()).rejects.toThrow(WorkError);
    await expect(run()).rejects.toThrow(
      /checkpoints has no checkpoint that can be used \(.*12.model.safetensors/,
    );
    expect(damageOf(events).map(({ step }) => step)).toEqual([12, 10, 5, 12, 10, 5]);
    expect(contentOf(folder)).toEqual(before);
  });

  test("a run whose checkpoints are all gone does not begin again", async () => {
    const folder = copyOfFinished();
    rmSync(join(folder, "checkpoints"), { recursive: true });
    const message = await failure(resume({ machine: createReference(), folder }), WorkError);
    expect(message).toMatch(/has no checkpoint that can be used .*12: it does not exist/);
  });
});

describe("the best weights", () => {
  test("that are damaged are told, and the next evaluation is the best", async () => {
    const folder = join(base, "best");
    // A rate that makes the model worse after the first evaluation.
    const training = { steps: 9, batch: 4, evaluateEvery: 3, schedule: { rate: 3, warmup: 3 }, keep: 1 };
    const stop = new AbortController();
    const options = tinyRun(folder, text, { training, signal: stop.signal });
    await collect(train(options), 8, () => stop.abort());
    const { best } = readCheckpoint(join(folder, "checkpoints"), 8).manifest;
    expect(best!.step).toBeLessThan(8);
    edit(checkpoint(folder, best!.step, files[0]), flip);
    expect(() => openModel(createReference(), folder)).toThrow(DamagedCheckpoint);
    const events = await resumed(folder);
    expect(damageOf(events).map(({ step }) => step)).toEqual([best!.step]);
    expect(startOf(events).step).toBe(8);
    expect(openModel(createReference(), folder).step).toBe(9);
  });

  test("are kept for every checkpoint that is kept", async () => {
    const folder = join(base, "keep");
    const training = {
      steps: 12,
      batch: 4,
      evaluateEvery: 1,
      schedule: { rate: 1, warmup: 3 },
      keep: 2,
      seed: 1,
    };
    for await (const event of train(tinyRun(folder, text, { training }))) {
      if (event.kind !== "checkpoint") continue;
      const steps = readdirSync(join(folder, "checkpoints"))
        .map(Number)
        .sort((a, b) => a - b);
      const newest = steps.slice(-2);
      expect(newest).toEqual(event.step === 1 ? [1] : [event.step - 1, event.step]);
      const best = newest.map(
        (step) => readCheckpoint(join(folder, "checkpoints"), step).manifest.best!.step,
      );
      expect(steps).toEqual([...new Set([...best, ...newest])].sort((a, b) => a - b));
    }
  });

  test("and the newest ones stay when others are removed", () => {
    const folder = copyOfFinished();
    const checkpoints = join(folder, "checkpoints");
    keepCheckpoints(checkpoints, 1);
    const { best } = readCheckpoint(checkpoints, 12).manifest;
    expect(readdirSync(checkpoints).map(Number).sort()).toEqual([...new Set([best!.step, 12])].sort());
  });
});

test("any bit that is flipped and any cut is found", () => {
  const folder = copyOfFinished();
  const checkpoints = join(folder, "checkpoints");
  const read = () => readCheckpoint(checkpoints, 10);
  const arbitrary = fc.record({
    file: fc.constantFrom(...files),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    bit: fc.integer({ min: 0, max: 7 }),
    isCut: fc.boolean(),
  });
  fc.assert(
    fc.property(arbitrary, ({ file, place, bit, isCut }) => {
      const path = checkpoint(folder, 10, file);
      const content = readFileSync(path);
      // Without the line end after it a manifest is still whole.
      const at = Math.floor(place * (content.length - (file === "manifest.json" ? 1 : 0)));
      const changed = Buffer.from(content);
      changed[at]! ^= 1 << bit;
      writeFileSync(path, isCut ? content.subarray(0, at) : changed);
      try {
        expect(read).toThrow(DamagedCheckpoint);
      } finally {
        writeFileSync(path, content);
      }
    }),
    { numRuns: 300 },
  );
  expect(read().manifest.step).toBe(10);
  expect(existsSync(checkpoints)).toBe(true);
});
