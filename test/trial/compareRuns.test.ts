// Runs held against each other, from what their folders tell: which losses are of the same thing, and which run counts.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { defineArchitecture } from "../../src/architecture/architecture.ts";
import type { ArchitectureInput } from "../../src/architecture/schema.ts";
import { defineAugmentation } from "../../src/data/images/augment/settings.ts";
import { defineConfiguration, logPath, writeConfiguration } from "../../src/train/runFolder.ts";
import { defineTraining, type TrainingInput } from "../../src/train/settings.ts";
import { comparisonReport } from "../../src/trial/compareReport.ts";
import { compareRuns } from "../../src/trial/compareRuns.ts";
import { pairLine } from "../../src/trial/words.ts";
import { temporaryFolder } from "../cli/harness.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

/** A finished run with evaluations after every step. */
function run(
  name: string,
  layers: number,
  more: TrainingInput,
  losses: readonly number[],
  validationTokens = 50,
): string {
  const folder = join(root.path, name);
  mkdirSync(folder);
  const settings = {
    architecture: defineArchitecture({ vocabulary: 6, length: 8, width: 8, heads: 2, layers }),
    training: defineTraining({ steps: losses.length, batch: 2, ...more }),
    data: {
      ...{ data: null, tokenizer: null, validationFraction: null, name: "words" },
      ...{ trainingTokens: 150 - validationTokens, validationTokens, sha256: "0".repeat(64) },
    },
    tokenizer: { kind: "bytes" } as const,
  };
  writeConfiguration(folder, defineConfiguration(settings));
  const records = losses.flatMap((loss, place) => [
    { kind: "step", step: place + 1, loss, tokensPerSecond: 100, flops: place },
    { kind: "evaluation", step: place + 1, loss },
  ]);
  writeFileSync(logPath(folder), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  return folder;
}

const wide = [1, 2].map((seed) => run(`wide-seed${seed}`, 1, { seed }, [3, 2 + 0.001 * seed]));
const deep = [1, 2].map((seed) => run(`deep-seed${seed}`, 2, { seed }, [3, 1 + 0.0011 * seed]));

test("arms on the same data are compared seed by seed; a copy of a run is left out and told", () => {
  const { arms, pairs } = compareRuns([...wide, ...deep]);
  expect(arms).toEqual(["wide", "deep"]);
  expect(pairs).toMatchObject([{ verdict: "win", winner: "deep", seeds: 2 }]);
  const again = run("again", 1, { seed: 1 }, [3, 0.5]);
  const { notes, ...twice } = compareRuns([...wide, ...deep, again]);
  expect(twice.pairs).toEqual(pairs);
  expect(notes).toContain(`${again} repeats ${wide[0]}, and is left out of the verdicts.`);
  // Nor does one that was stopped stand in the way of the one that was not, wherever it is named.
  const stopped = run("stopped", 1, { seed: 1, steps: 2 }, [3]);
  const first = compareRuns([stopped, ...wide, ...deep]);
  expect(first.pairs[0]).toMatchObject({ verdict: "win", winner: "deep", seeds: 2 });
  expect(first.notes).toContain(`${stopped} repeats ${wide[0]}, and is left out of the verdicts.`);
  expect(first.notes.join()).not.toContain("Not finished");
});

test("arms of several seeds are named without them, as studies name runs too; a study itself is no run", () => {
  const runs = ["c08d7776", "27eec99b"].map((hash, place) =>
    run(`narrow-rate0.0100-seed${place + 1}-${hash}`, 6, { seed: place + 1 }, [2]),
  );
  expect(compareRuns([...runs, ...deep]).arms).toEqual(["narrow-rate0.0100", "deep"]);
  const study = join(root.path, "study");
  mkdirSync(join(study, "runs"), { recursive: true });
  writeFileSync(join(study, "study.json"), "{}");
  expect(() => compareRuns([study])).toThrow(
    `compare: ${study} is a study; name runs of it, such as ${join(study, "runs", "RUN")}`,
  );
});

test("a win that stepping down alone decides has a line that says so", () => {
  const near = [0.01, -0.01].map((by, place) =>
    run(`near-seed${place + 1}`, 3, { seed: place + 1 }, [1 + by]),
  );
  const nearer = [-0.01, 0.01].map((by, place) =>
    run(`nearer-seed${place + 1}`, 4, { seed: place + 1 }, [1.07 + by]),
  );
  const far = [0.01, -0.005].map((by, place) =>
    run(`far-seed${place + 1}`, 5, { seed: place + 1 }, [9 + by]),
  );
  const { pairs, notes } = compareRuns([...near, ...nearer, ...far]);
  expect(pairLine(pairs[0]!)).toMatch(/^win: near over nearer by 0\.0700 nat \[0\.0000, 0\.1400\]$/);
  expect(notes.filter((note) => note.includes("ends at 0"))).toHaveLength(1);
  expect(compareRuns([...near, ...far]).notes.join()).not.toContain("ends at 0");
});

test("runs on images that are changed in another way are another arm", () => {
  const side = 4;
  const images = (name: string, seed: number, flip: boolean): string => {
    const folder = join(root.path, name);
    mkdirSync(folder);
    const architecture = {
      length: 4,
      inputs: 4,
      vocabulary: 2,
      width: 8,
      heads: 2,
      layers: 1,
      pool: "average",
    };
    const settings = {
      architecture: defineArchitecture({ ...architecture, causal: false } as ArchitectureInput),
      training: defineTraining({ steps: 1, batch: 2, seed, objective: "classification" }),
      data: {
        ...({ kind: "images", data: name, name: "shapes" } as const),
        ...{ validationFraction: null, skipBad: false, patch: 2 },
        ...{ augmentation: defineAugmentation({ flip }), classes: ["a", "b"], height: side, width: side },
        ...{ channels: 1, trainingImages: 9, validationImages: 9, testImages: 9, mean: [0], deviation: [1] },
        sha256: "0".repeat(64),
      },
      tokenizer: null,
    };
    writeConfiguration(folder, defineConfiguration(settings));
    const records = [
      { kind: "step", step: 1, loss: 1 },
      { kind: "evaluation", step: 1, loss: 1 },
    ];
    writeFileSync(logPath(folder), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    return folder;
  };
  const folders = [images("as-is-1", 1, false), images("as-is-2", 2, false), images("flipped", 3, true)];
  expect(compareRuns(folders).arms).toEqual(["as-is", "flipped"]);
});

test("losses of another objective or of other validation tokens are not compared", () => {
  const masked = run("masked", 1, { seed: 1, objective: "masked-token" }, [1]);
  const other = compareRuns([wide[0]!, masked]);
  expect(other.pairs).toEqual([]);
  expect(other.notes).toContain("The runs have different objectives: their losses are not compared.");
  const few = run("few", 1, { seed: 1, evaluationTokens: 10 }, [1]);
  expect(compareRuns([wide[0]!, few]).notes.join()).toMatch(/different evaluationTokens/);
  // The same text, cut elsewhere: the same tokens in all.
  const cut = run("cut", 1, { seed: 3 }, [3, 2], 30);
  const elsewhere = compareRuns([...wide, cut]);
  expect(elsewhere.notes).toContain(
    "The runs have different validation data: their losses are not compared.",
  );
  expect(elsewhere.arms).toEqual(["wide", "cut"]);
  const [learning] = comparisonReport(elsewhere, "compare").sections;
  expect(learning!.parts.flatMap((part) => ("title" in part ? [part.title] : [])).slice(0, 4)).toEqual([
    ...["Loss over tokens: words, 50 of 50 tokens", "Loss over training FLOPs: words, 50 of 50 tokens"],
    ...["Loss over seconds: words, 50 of 50 tokens", "Loss over tokens: words, 30 of 30 tokens"],
  ]);
});

test("runs that are not finished, or saw unequal tokens, win over nothing, and the verdict says why", () => {
  const half = [1, 2].map((seed) => run(`half-seed${seed}`, 4, { seed, steps: 4 }, [3, 0.5 + 0.001 * seed]));
  const unfinished = compareRuns([...wide, ...deep, ...half]);
  expect(unfinished.arms).toEqual(["wide", "deep", "half"]);
  expect(unfinished.pairs.map(({ verdict, winner }) => [verdict, winner])).toEqual([
    ["win", "deep"],
    ["undecided", null],
    ["undecided", null],
  ]);
  expect(pairLine(unfinished.pairs[1]!)).toMatch(
    /^undecided: wide - half is 1\.5\d* nat.*; runs that are not finished decide nothing$/,
  );
  expect(unfinished.notes.join()).toContain(`Not finished, and undecided: ${half.join(", ")}.`);
  // How those vary says nothing of the others: the pair is judged as if they were not there.
  expect(unfinished.pairs[0]).toEqual(compareRuns([...wide, ...deep]).pairs[0]);
  const longer = [1, 2].map((seed) => run(`longer-seed${seed}`, 1, { seed }, [3, 1, 0.5 + 0.001 * seed]));
  const unequal = compareRuns([...wide, ...longer]);
  expect(pairLine(unequal.pairs[0]!)).toMatch(
    /^undecided: .*; runs on unequally many tokens decide nothing$/,
  );
  expect(unequal.pairs[0]).toMatchObject({ winner: null, furtherSeeds: null });
});

test("the report of long runs takes no time that grows with the square of their evaluations", () => {
  const many = Array.from({ length: 30_000 }, (_, place) => 2 + 1 / (place + 1));
  const long = [1, 2].map((seed) => run(`long-seed${seed}`, 1, { seed }, many));
  const comparison = compareRuns(long);
  const start = performance.now();
  const report = comparisonReport(comparison, "scantling compare");
  expect(performance.now() - start).toBeLessThan(2000);
  expect(JSON.stringify(report)).toContain("Loss over tokens");
});

test("losses of a network that grew are drawn at the operations that each of its updates took", () => {
  const folder = run("grown", 1, { seed: 5 }, [3, 2, 1.5]);
  const records = [1, 2, 3].flatMap((step) => [
    { kind: "step", step, loss: 1, tokensPerSecond: 100, flops: [10, 20, 120][step - 1] },
    { kind: "evaluation", step, loss: 4 - step },
  ]);
  writeFileSync(logPath(folder), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const { sections } = comparisonReport(compareRuns([folder, wide[0]!]), "compare");
  const figure = sections[0]!.parts.find(
    (part) => part.kind === "figure" && part.title === "Loss over training FLOPs",
  );
  const [series] = figure?.kind === "figure" && figure.chart.kind === "curves" ? figure.chart.series : [];
  expect(series).toMatchObject({
    name: "grown",
    points: [
      { x: 10, y: 3 },
      { x: 20, y: 2 },
      { x: 120, y: 1 },
    ],
  });
});

test("runs are told with an accuracy where one has it, and with whole seeds", () => {
  const tableOf = (folders: readonly string[]) => {
    const table = comparisonReport(compareRuns(folders), "compare").sections.at(-1)!.parts[0]!;
    if (table.kind !== "table") throw new Error("it is no table");
    return table;
  };
  const bare = tableOf([...wide, ...deep]);
  expect(bare.columns.some(({ heading }) => heading.includes("accuracy"))).toBe(false);
  expect(bare.rows.every(({ length }) => length === bare.columns.length)).toBe(true);
  expect(bare.columns.find(({ heading }) => heading === "seed")?.unit).toBe("whole");
  const told = run("told", 1, { seed: 7 }, [3, 2]);
  const record = { kind: "evaluation", step: 2, loss: 2, statistics: { accuracy: 0.123 } };
  writeFileSync(
    logPath(told),
    `${JSON.stringify({ kind: "step", step: 2, loss: 2 })}\n${JSON.stringify(record)}\n`,
  );
  const table = tableOf([...wide, told]);
  const column = table.columns.findIndex(({ heading }) => heading === "accuracy at lowest loss, %");
  expect(table.rows.map((row) => row[column])).toEqual([null, null, 12.3]);
});

/** Gives every evaluation of a run an accuracy. */
function withAccuracies(folder: string, accuracies: readonly number[]): string {
  const records = readFileSync(logPath(folder), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const told = records.map((record) =>
    record.kind === "evaluation"
      ? { ...record, statistics: { accuracy: accuracies[record.step - 1] } }
      : record,
  );
  writeFileSync(logPath(folder), told.map((record) => `${JSON.stringify(record)}\n`).join(""));
  return folder;
}

function figuresOf(folders: readonly string[]) {
  const [learning] = comparisonReport(compareRuns(folders), "compare").sections;
  return learning!.parts.filter((part) => part.kind === "figure");
}

test("accuracies are drawn where runs tell them, in the style of the losses, and those left out are named", () => {
  const sure = [1, 2].map((seed) =>
    withAccuracies(run(`sure-seed${seed}`, 1, { seed, batch: 4 }, [2, 1]), [0.25, 0.5 + seed / 8]),
  );
  const unsure = withAccuracies(run("unsure", 2, { seed: 1, batch: 4 }, [2, 1]), [0.25, 0.5]);
  const silent = run("silent", 4, { seed: 1, batch: 4 }, [2, 1]);
  const figures = figuresOf([...sure, unsure, silent]);
  expect(figures.map(({ title }) => title)).toEqual(
    ["tokens", "training FLOPs", "seconds"].flatMap((label) => [
      `Loss over ${label}`,
      `Accuracy over ${label}`,
    ]),
  );
  const accuracy = figures[1]!;
  expect(accuracy).toMatchObject({
    description: `Validation accuracy of every arm against tokens; bands from the lowest to the highest seed. Runs that do not tell it: ${silent}.`,
    ...{ data: "words, validation", seeds: "seeds 1, 2", convention: "means over seeds" },
    chart: {
      y: { label: "accuracy", unit: "share" },
      series: [
        {
          name: "sure",
          points: [
            { x: 32, y: 0.25 },
            { x: 64, y: 0.6875, interval: [0.625, 0.75] },
          ],
        },
        {
          name: "unsure",
          points: [
            { x: 32, y: 0.25 },
            { x: 64, y: 0.5 },
          ],
        },
      ],
    },
  });
  expect(figures[0]!.description).toBe(
    "Validation loss of every arm against tokens; bands from the lowest to the highest seed.",
  );
  expect(compareRuns([...sure, unsure]).notes.at(-1)).toMatch(/verdicts are on losses, accuracies are shown/);
  // Where no run tells one there is none, and no word of it.
  expect(figuresOf([...wide, ...deep]).map(({ title }) => title.split(" ")[0])).toEqual([
    "Loss",
    "Loss",
    "Loss",
  ]);
  expect(compareRuns([...wide, ...deep]).notes.at(-1)).not.toContain("accurac");
});

test("an arm's seconds are at the speed of its fastest run, which nothing else held up, and facts tell seeds and data", () => {
  const speeds = [100, 10, 50];
  const folders = speeds.map((speed, place) => {
    const folder = run(`uneven-seed${place + 1}`, 1, { seed: place + 1, batch: 8 }, [2, 1]);
    const text = readFileSync(logPath(folder), "utf8").replaceAll(
      '"tokensPerSecond":100',
      `"tokensPerSecond":${speed}`,
    );
    writeFileSync(logPath(folder), text);
    return folder;
  });
  const seconds = figuresOf(folders).find(({ title }) => title === "Loss over seconds")!;
  // Updates of 64 tokens at 100 a second.
  expect(seconds.chart).toMatchObject({ series: [{ points: [{ x: 0.64 }, { x: 1.28 }] }] });
  expect(comparisonReport(compareRuns(folders), "compare").facts).toEqual(
    Object.entries({ runs: "3", arms: "1", seeds: "3", data: "words" }).map(([name, value]) => ({
      name,
      value,
    })),
  );
});

test("accuracies of different things are drawn apart, and runs of something that has none are not missed", () => {
  const image = (name: string, last: number) =>
    withAccuracies(run(name, 1, { seed: 1, objective: "masked-token" }, [2, 1]), [0.1, last]);
  const figures = figuresOf([image("image-a", 0.5), wide[0]!]);
  const accuracies = figures.filter(({ title }) => title.startsWith("Accuracy"));
  expect(accuracies.map(({ title }) => title)).toContain("Accuracy over tokens: words, masked-token");
  expect(accuracies).toHaveLength(3);
  expect(accuracies[0]!.description).toBe("Validation accuracy of every arm against tokens.");
  // Nothing is said of verdicts where there can be none.
  const longer = run("image-longer", 1, { seed: 1, objective: "masked-token" }, [2, 1, 1]);
  expect(compareRuns([withAccuracies(longer, [0.1, 0.2, 0.3]), wide[0]!]).notes).toEqual([
    "The runs have different objectives: their losses are not compared.",
    "Losses are those of the last evaluation on the validation data, which may have chosen rates.",
  ]);
});

test("losses of different things are drawn apart", () => {
  const masked = run("masked-apart", 1, { seed: 1, objective: "masked-token" }, [2, 1]);
  const titles = (folders: readonly string[]) =>
    comparisonReport(compareRuns(folders), "compare")
      .sections[0]!.parts.flatMap((part) => (part.kind === "figure" ? [part.title] : []))
      .filter((title) => title.startsWith("Loss over tokens"));
  expect(titles([wide[0]!, masked])).toEqual([
    "Loss over tokens: words, next-token",
    "Loss over tokens: words, masked-token",
  ]);
  expect(titles([...wide, ...deep])).toEqual(["Loss over tokens"]);
});
