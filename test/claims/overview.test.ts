// One page of all claims: what came out stands first, and the rest opens.
import { expect, test } from "vitest";
import type { StudiedClaim } from "../../src/claims/claim.ts";
import { claimsReport, summaryLines } from "../../src/claims/overview.ts";
import { type Judgement, verdictOf } from "../../src/claims/verdict.ts";
import { wideOrDeep } from "../../src/claims/wideOrDeep.ts";
import { reportPage } from "../../src/report/page.ts";

const study = (label: string, judgement: Judgement, more: Partial<StudiedClaim> = {}): StudiedClaim => ({
  ...{ label, finished: true, runs: 4, notes: ["Data: words.", "more"], lines: [], result: {} },
  verdict: verdictOf([
    { text: "a wins over b", judgement, reason: "it does", decidable: { value: 0.1, unit: "nat" } },
  ]),
  verdicts: [{ outcome: "win", text: "a over b by 0.2 nat" }],
  sections: [{ heading: "Losses", parts: [{ kind: "text", text: "as they are" }] }],
  ...more,
});

const tested = [
  {
    claim: { ...wideOrDeep, name: "first" },
    studies: [study("own", "supported"), study("other", "not supported")],
  },
  { claim: { ...wideOrDeep, name: "second" }, studies: [study("own", "supported", { finished: false })] },
  {
    claim: { ...wideOrDeep, name: "third" },
    studies: [study("own", "not decidable at this scale", { runs: 0 })],
  },
];
const page = claimsReport(tested, "small", "scantling reproduce all");

test("a row for everything that is judged, and how many studies say what", () => {
  const [{ heading, parts }] = page.sections as [(typeof page.sections)[0]];
  expect(heading).toBe("What came out");
  expect(parts[0]).toMatchObject({
    kind: "table",
    rows: [
      ["first", "own", "a wins over b", "supported", "0.1000 nat", "it does"],
      ["first", "other", "a wins over b", "not supported", "0.1000 nat", "it does"],
      ["second", "own", "a wins over b", "so far supported", "0.1000 nat", "it does"],
      ["third", "own", wideOrDeep.statement, "not run", null, null],
    ],
  });
  expect(page.notes).toEqual([
    "Data: words.",
    "Of 3 claims, study by study: 1 supported, 1 not supported, 1 so far supported, 1 not run.",
  ]);
  expect(summaryLines(tested)).toEqual([
    "first, own: supported",
    "first, other: not supported",
    "second, own: so far supported",
    "third, own: not run",
  ]);
});

test("each claim has its verdicts in the open, and its pairs, published figures and sections folded", () => {
  const [, first] = page.sections;
  expect(first!.heading).toBe(`first: ${wideOrDeep.title}`);
  const folded = first!.parts.flatMap((part) => (part.kind === "folded" ? [part] : []));
  expect(folded.map(({ title }) => title)).toEqual(["Pairs", "Published", "Losses, own", "Losses, other"]);
  expect(folded[0]!.parts).toEqual([
    { kind: "text", text: "win: own: a over b by 0.2 nat" },
    { kind: "text", text: "win: other: a over b by 0.2 nat" },
  ]);
  const shown = first!.parts.flatMap((part) => (part.kind === "text" ? [part.text] : []));
  expect(shown[0]).toBe(`supported (own): ${wideOrDeep.statement}`);
  expect(reportPage(page)).toContain("<details><summary>Published</summary>");
});

test("a claim that was refused says why in its row", () => {
  const refused = study("not tested", "supported", {
    ...{ runs: 0, finished: false, notes: ["Not tested: too little text."], verdicts: [], sections: [] },
    verdict: { judgement: "not decidable at this scale", expectations: [] },
  });
  const [section] = claimsReport([{ claim: wideOrDeep, studies: [refused] }], "small", "").sections;
  expect(section!.parts[0]).toMatchObject({
    rows: [
      ["wide-or-deep", "not tested", wideOrDeep.statement, "not run", null, "Not tested: too little text."],
    ],
  });
});

test("whose the data of each claim are, once where they are the same", () => {
  const entry = (name: string, data: string) => ({
    claim: { ...wideOrDeep, name },
    studies: [study("own", "supported", { notes: [`Data: ${data}.`, "more"] })],
  });
  const notesOf = (...some: ReturnType<typeof entry>[]) => claimsReport(some, "small", "").notes;
  expect(notesOf(entry("a", "words"), entry("b", "words"))).toHaveLength(2);
  const mixed = notesOf(entry("a", "words"), entry("b", "images"), entry("c", "words"));
  expect(mixed.slice(0, 2)).toEqual(["a, c: Data: words.", "b: Data: images."]);
});
