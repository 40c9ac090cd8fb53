// A tiny claim of each kind of study that is really trained, each run in a process of its own: to its end, resumed, and the same
// again without training.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ClaimStudy, ClaimText } from "../../src/claims/claim.ts";
import type { KaplanSize, kaplanRuns } from "../../src/claims/kaplan.ts";
import type { MadStudyInput, madStudy } from "../../src/claims/madStudy.ts";
import type { offOptimumTrial } from "../../src/claims/offOptimum.ts";
import type { ReproduceEvent, reproduce } from "../../src/claims/reproduce.ts";
import type { runsStudy } from "../../src/claims/runsStudy.ts";
import type { trialStudy } from "../../src/claims/trialStudy.ts";
import { temporaryFolder } from "../cli/harness.ts";
import { tiny } from "../mad/tiny.ts";
import { lookAtPages } from "../report/left.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = temporaryFolder();
/** As it is shipped: the processes of runs need files that Node can load. */
const built = async <Module>(name: string) =>
  (await import(join(root, "dist", "claims", `${name}.js`))) as Module;

beforeAll(() => {
  execFileSync(process.execPath, ["scripts/build.js"], { cwd: root });
}, 600_000);
afterAll(() => folder.remove());

const text: ClaimText = {
  ...{ name: "tiny", title: "A tiny claim", source: "nobody", statement: "It ends." },
  published: { title: "Published", note: "", columns: [{ heading: "nothing" }], rows: [["0"]] },
  caveats: [],
};

interface Asked {
  readonly signal?: AbortSignal;
  readonly seeds?: number;
}

async function follow(study: ClaimStudy, name: string, asked: Asked = {}) {
  const module = await built<{ reproduce: typeof reproduce }>("reproduce");
  const claim = { ...text, studies: { small: [study], full: [] } };
  let begun = 0;
  let end: Extract<ReproduceEvent, { kind: "end" }> | undefined;
  for await (const event of module.reproduce({ claim, folder: join(folder.path, name), ...asked })) {
    if (event.kind === "end") end = event;
    else if (event.event.kind === "jobStart") begun++;
  }
  return { ...end!, begun };
}

/** To its end, and again; @returns what it says */
async function reproduced(study: ClaimStudy, name: string, runs: number) {
  const stopped = await follow(study, name, { signal: AbortSignal.abort() });
  expect(stopped.reason).toBe("interrupted");
  expect(stopped.studies[0]!.finished).toBe(false);
  const first = await follow(study, name);
  expect(first.reason).toBe("done");
  expect(first.begun).toBe(runs);
  const [studied] = first.studies;
  expect(studied!.finished).toBe(true);
  expect(readFileSync(first.report, "utf8")).toContain(studied!.verdict.judgement);
  expect(existsSync(join(folder.path, name, "verdicts.json"))).toBe(true);
  const again = await follow(study, name);
  expect(again.begun).toBe(0);
  expect(again.studies).toEqual(first.studies);
  return studied!;
}

test("a claim of single runs", async () => {
  const claim = await built<{ kaplanRuns: typeof kaplanRuns }>("kaplan");
  const kind = await built<{ runsStudy: typeof runsStudy }>("runsStudy");
  const size: KaplanSize = {
    ...{ label: "tiny", widths: [8, 16], layers: 1, tokens: [256, 1024] },
    ...{ length: 8, batch: 4, evaluationTokens: 64, seeds: 2 },
  };
  const study = kind.runsStudy(claim.kaplanRuns(size));
  const { verdict, result } = await reproduced(study, "kaplan", 8);
  expect(verdict.expectations).toHaveLength(4);
  expect((result as { runs: { loss: number }[] }).runs.every(({ loss }) => loss > 0)).toBe(true);
  const more = await follow(study, "kaplan", { seeds: 3 });
  expect(more.begun).toBe(4);
  expect(more.studies[0]!.notes.join("\n")).toMatch(/Seeds were added .* \(with 2\): .* up to 10 %/);
  await expect(follow(study, "kaplan", { seeds: 2 })).rejects.toThrow(/kaplan holds another study/);
});

test("a claim by numbers that are made of a study's losses", async () => {
  const claim = await built<{ offOptimumTrial: typeof offOptimumTrial }>("offOptimum");
  const kind = await built<{ trialStudy: typeof trialStudy }>("trialStudy");
  const input = claim.offOptimumTrial({
    ...{ label: "tiny", shares: ["50 %", "100 %"], widths: [8, 16, 24, 32], layers: 2 },
    study: { train: { steps: 4 }, length: 8, batch: 4, rates: [0.01], seeds: 1, evaluationTokens: 64 },
  });
  const study = kind.trialStudy(input);
  const { verdict, sections } = await reproduced(study, "off", 8);
  expect(verdict.judgement).toBe("not decidable at this scale");
  expect(sections.map(({ heading }) => heading)).toContain("Off the best size");
  const more = await follow(study, "off", { seeds: 2 });
  expect(more.begun).toBe(8);
  expect(more.studies[0]!.notes.join("\n")).toMatch(/Seeds were added .* \(with 1\)/);
});

test("a claim of synthetic scores against losses", async () => {
  const kind = await built<{ madStudy: typeof madStudy }>("madStudy");
  const variant = tiny.tasks["selective-copying"]![0]!;
  const point = { name: "one", recipe: { ...variant.points[0]!.recipe, steps: 4 } };
  const input: MadStudyInput = {
    ...{ label: "tiny", name: "mad", architectures: ["attention", "gla", "min-gru", "mamba"], seeds: 1 },
    profile: { ...tiny, isRaced: false, tasks: { "selective-copying": [{ ...variant, points: [point] }] } },
    language: { train: { steps: 4 }, length: 8, batch: 4, rates: [0.01], seeds: 1, evaluationTokens: 64 },
  };
  const { verdict, lines } = await reproduced(kind.madStudy(input), "mad", 8);
  expect(verdict.expectations[0]!.reason).toContain("4 architectures");
  expect(lines.join("\n")).toContain("Spearman");
  const more = await follow(kind.madStudy(input), "mad", { seeds: 2 });
  expect(more.begun).toBe(8);
  expect(more.studies[0]!.notes.join("\n")).toMatch(/Seeds were added .* \(with 1\)/);
});

test("their pages are drawn whole, without a complaint, on phones too", async () => {
  const { pages, faults } = await lookAtPages(folder.path);
  expect(pages.length).toBeGreaterThan(2);
  expect(faults).toEqual([]);
}, 300_000);

test("the list says what every claim costs, and how far it is here", () => {
  const main = join(root, "dist", "cli", "main.js");
  const list = () =>
    JSON.parse(
      execFileSync(process.execPath, [main, "reproduce", "--list", "--json"], {
        cwd: folder.path,
      }).toString(),
    ) as { name: string; scale: string; runs: number; seconds: number; status: string }[];
  const told = list();
  expect(told.length).toBeGreaterThanOrEqual(16);
  for (const { runs, seconds, status } of told) {
    expect(runs).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThan(0);
    expect(status).toBe("not run");
  }
  mkdirSync(join(folder.path, "runs", "reproduce", "all-small", "mup"), { recursive: true });
  expect(list().find(({ name, scale }) => name === "mup" && scale === "small")!.status).toBe("begun");
});
