// What is refused is refused before anything is run, and costs no other claim its place on the page. Nothing is trained.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { reproduceAll } from "../../src/claims/all.ts";
import type { Claim, ClaimStudy, Studied } from "../../src/claims/claim.ts";
import { requireClaim } from "../../src/claims/claims.ts";
import { reproduce } from "../../src/claims/reproduce.ts";
import { wideOrDeep } from "../../src/claims/wideOrDeep.ts";
import { requireTested } from "../../src/cli/reproduce/run.ts";
import { RequestError, WorkError } from "../../src/errors.ts";
import { temporaryFolder } from "../cli/harness.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const studied: Studied = {
  ...{ verdict: { judgement: "supported", expectations: [] }, finished: true, runs: 1 },
  ...{ notes: ["Data: words."], lines: [], verdicts: [], sections: [], result: {} },
};

interface Fake {
  readonly refuses?: string;
  readonly fails?: string;
  readonly takes?: boolean;
}

const begun: string[] = [];

function study(name: string, { refuses, fails, takes = true }: Fake = {}): ClaimStudy {
  return {
    ...{ label: name, name, takes: () => takes, cost: () => ({ runs: 1, flops: 1 }) },
    prepare: async () => {
      if (refuses !== undefined) throw new RequestError(refuses);
      return async function* () {
        begun.push(name);
        if (fails !== undefined) throw new WorkError(fails);
        yield { kind: "end", reason: "done", studied };
      };
    },
  };
}

const claimOf = (name: string, ...studies: ClaimStudy[]): Claim => ({
  ...{ ...wideOrDeep, name, studies: { small: studies, full: [] } },
});

async function all(name: string, claims: readonly Claim[], data?: string) {
  begun.length = 0;
  for await (const event of reproduceAll({ folder: join(folder.path, name), claims, data }))
    if (event.kind === "end") return event;
  throw new Error("no end");
}

const pageOf = (name: string): string => readFileSync(join(folder.path, name, "report.html"), "utf8");

test("the second study of a claim is refused before the first is run", async () => {
  begun.length = 0;
  const claim = claimOf("two", study("first"), study("second", { refuses: "too little text" }));
  const events = reproduce({ claim, folder: join(folder.path, "two") });
  await expect(events.next()).rejects.toThrow(new RequestError("too little text"));
  expect(begun).toEqual([]);
  expect(existsSync(join(folder.path, "two"))).toBe(false);
});

test("of all, one that is refused is told of on the page, and the others are tested", async () => {
  const end = await all("some", [
    claimOf("first", study("own"), study("refused", { refuses: "too little text" })),
    claimOf("second", study("other")),
  ]);
  expect(begun).toEqual(["other"]);
  expect(end.claims.map(({ report }) => report === null)).toEqual([true, false]);
  expect(end.claims[0]!.studies[0]!.result).toEqual({ refused: "too little text" });
  expect(pageOf("some")).toContain("first: Not tested: too little text.");
  expect(pageOf("some")).toMatch(/<h2>second: [^<]*<\/h2><p>supported \(other\)/);
  expect(existsSync(join(folder.path, "some", "first"))).toBe(false);
  expect(() => requireTested(end.claims, "page.html")).toThrow(
    /1 of 2 claims could not be tested, such as first: too little text; see page\.html/,
  );
  expect(() => requireTested(end.claims.slice(1), "page.html")).not.toThrow();
});

test("where all that the data are for refuse them, the request is, though others have what is built in", async () => {
  const claims = [
    claimOf("text", study("text", { refuses: "no such data" })),
    claimOf("images", study("images", { takes: false })),
  ];
  await expect(all("wrong", claims, "misspelt")).rejects.toThrow(new RequestError("no such data"));
  expect(begun).toEqual([]);
  expect((await all("right", claims)).claims).toHaveLength(2);
});

test("a folder that holds another claim, or another scale of it, is left as it is", async () => {
  const own = join(folder.path, "own");
  const end = async (claim: Claim, scale: "small" | "full" = "small") => {
    for await (const event of reproduce({ claim, scale, folder: own }))
      if (event.kind === "end") return event.reason;
    return null;
  };
  const first = {
    ...claimOf("first", study("own")),
    studies: { small: [study("own")], full: [study("own")] },
  };
  expect(await end(first)).toBe("done");
  const page = readFileSync(join(own, "report.html"), "utf8");
  await expect(end(claimOf("second", study("other")))).rejects.toThrow(
    /holds first --scale small; choose another folder for second --scale small/,
  );
  await expect(end(first, "full")).rejects.toThrow(RequestError);
  expect(readFileSync(join(own, "report.html"), "utf8")).toBe(page);
  expect(await end(first)).toBe("done");
});

test("an interruption in one study or claim leaves what is known of the others", async () => {
  const claims = [claimOf("first", study("own"), study("second")), claimOf("other", study("third"))];
  const record = (claim: string) =>
    JSON.parse(readFileSync(join(folder.path, "kept", claim, "verdicts.json"), "utf8")) as unknown[];
  const interrupted = { ...studied, finished: false, runs: 2 };
  const again = (isWith: boolean) =>
    claimOf(
      "first",
      {
        ...study("own"),
        prepare: async () =>
          async function* () {
            yield { kind: "end", reason: "interrupted", studied: interrupted };
          },
      },
      ...(isWith ? [study("second")] : []),
    );
  await all("kept", claims);
  // Of a study the folder tells that it was begun.
  mkdirSync(join(folder.path, "kept", "first", "second"));
  const before = record("other");
  const end = await all("kept", [again(true), claims[1]!, claimOf("never", study("none"))]);
  expect(end.reason).toBe("interrupted");
  expect(record("first")).toHaveLength(2);
  expect(record("other")).toEqual(before);
  expect(begun).toEqual(["second", "third"]);
  expect(pageOf("kept")).toContain("<h2>other: ");
  expect(existsSync(join(folder.path, "kept", "never"))).toBe(false);
});

test("the page has what is known when a later claim fails", async () => {
  const claims = [claimOf("first", study("own")), claimOf("second", study("other", { fails: "no disk" }))];
  await expect(all("failing", claims)).rejects.toThrow("no disk");
  expect(pageOf("failing")).toMatch(/<h2>first: [^<]*<\/h2><p>supported \(own\)/);
});

test("too little text, and folders that hold something else, are refused by studies of every kind", async () => {
  const text = join(folder.path, "text.txt");
  writeFileSync(text, "to be or not to be, that is the question. ".repeat(2000));
  const options = { command: "", processes: 1, data: text };
  const [striping] = requireClaim("striping").studies.full;
  await expect(striping!.prepare({ ...options, folder: join(folder.path, "striping") })).rejects.toThrow(
    /tokens/,
  );
  const [chinchilla] = requireClaim("chinchilla").studies.small;
  await expect(chinchilla!.prepare({ ...options, folder: join(folder.path, "chinchilla") })).rejects.toThrow(
    /epochs; expected at most 4: give --data with [\d,]+ tokens or more/,
  );
  const prepared = (name: string, at: string) => {
    const own = join(folder.path, name);
    mkdirSync(join(own, at), { recursive: true });
    writeFileSync(join(own, at, "notes.txt"), "");
    const [first] = requireClaim(name).studies.small;
    return first!.prepare({ command: "", processes: 1, folder: own });
  };
  for (const [name, at] of [
    ["mup", "."],
    ["mad", "language"],
    ["mad", "tasks"],
    ["wide-or-deep", "."],
  ] as const)
    await expect(prepared(name, at), name).rejects.toThrow(/holds notes\.txt and no study/);
});
