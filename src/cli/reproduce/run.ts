// What `scantling reproduce` does: has a claim tested, shows how it goes, and prints the verdict; or lists the claims.

import { join } from "node:path";
import { type ReproduceAllEvent, reproduceAll, type TestedClaim } from "../../claims/all.ts";
import { type Claim, scales } from "../../claims/claim.ts";
import { claims, requireClaim } from "../../claims/claims.ts";
import { claimCost } from "../../claims/cost.ts";
import { verdictLines } from "../../claims/report.ts";
import { type ReproduceEvent, reproduce } from "../../claims/reproduce.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { defaultProcesses } from "../../study/processes.ts";
import { createStudyView } from "../../study/view.ts";
import { noteLines, pairLine } from "../../trial/words.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { createLiveLines } from "../liveLines.ts";
import { openMachine } from "../machine.ts";
import { trialWorker } from "../trial.ts";
import type { ReproduceOptions } from "./command.ts";

/** @returns the exit code */
export async function runReproduce(
  name: string | undefined,
  options: ReproduceOptions,
  config: string | undefined,
  console: Console,
  commandLine: readonly string[],
): Promise<number> {
  if (options.list) return list(options, console);
  if (name === undefined) {
    const names = claims.map((claim) => claim.name).join(", ");
    throw new RequestError(`reproduce: no claim; expected one of ${names}, all, or --list`);
  }
  const { scale, data, seed, backend, json, threads = 1, processes = defaultProcesses(threads) } = options;
  const chosen = name === "all" ? null : requireClaim(name);
  const { out: folder = join("runs", "reproduce", `${name}-${scale}`) } = options;
  // Kernels are compiled once, here, and not by several processes at the same time.
  (await openMachine({ ...options, threads: 1 }, console)).machine.dispose();
  if (data === undefined) {
    console.err("the data are the built-in language, since no other is given; --data NAME takes another\n");
  }
  const request = {
    ...{ scale, folder, data, seed, backend, processes, threads, signal: console.signal },
    ...{ dataFolder: dataFolders(console.environment), worker: trialWorker(config) },
    command: commandLine.join(" "),
  };
  const {
    reason,
    report,
    claims: tested,
  } = await follow(
    chosen === null ? reproduceAll(request) : one(chosen, reproduce({ claim: chosen, ...request })),
    console,
  );
  const document = tested.map(({ claim: { name, statement, source }, studies, report: own }) => ({
    ...{ claim: name, statement, source, studies, report: own },
  }));
  console.out(
    json
      ? `${JSON.stringify({ ended: reason, claims: document, report })}\n`
      : `${[...tested.flatMap(linesOf), `report: ${report}`].join("\n")}\n`,
  );
  if (reason !== "interrupted") return 0;
  console.err("paused: the same command goes on from here\n");
  return interruptedCode;
}

type End = Extract<ReproduceAllEvent, { kind: "end" }>;

/** One claim told as all are. */
async function* one(claim: Claim, events: AsyncIterable<ReproduceEvent>): AsyncGenerator<ReproduceAllEvent> {
  for await (const event of events) {
    if (event.kind === "study") yield event;
    else {
      const { reason, studies, report } = event;
      yield { kind: "end", reason, claims: [{ claim, studies, report }], report };
    }
  }
}

function linesOf({ claim, studies }: TestedClaim): string[] {
  return studies.flatMap((study) => [
    `${claim.name}, ${study.label}`,
    ...noteLines(study.result),
    "",
    ...study.result.arms.map(({ name, test, rate }) =>
      test === null ? `${name}: no result` : `${name}: loss ${test.loss.toFixed(4)} at rate ${rate}`,
    ),
    ...study.result.pairs.map(pairLine),
    "",
    ...verdictLines(claim, study),
    "",
  ]);
}

/** A line for each claim and scale. */
function list({ json }: ReproduceOptions, console: Console): number {
  const rows = claims.flatMap((claim) =>
    scales.map((scale) => ({ claim, scale, ...claimCost(claim, scale) })),
  );
  if (json) {
    const told = rows.map(({ claim: { name, title, source }, ...cost }) => ({
      name,
      title,
      source,
      ...cost,
    }));
    console.out(`${JSON.stringify(told)}\n`);
    return 0;
  }
  const width = Math.max(...claims.map(({ name }) => name.length));
  const lines = rows.map(
    ({ claim, scale, runs, flops }) =>
      `${claim.name.padEnd(width)}  ${scale.padEnd(5)}  ${String(runs).padStart(3)} runs at most  ${flops.toExponential(1)} FLOPs  ${claim.title}`,
  );
  console.out(`${lines.join("\n")}\n`);
  return 0;
}

async function follow(events: AsyncIterable<ReproduceAllEvent>, console: Console): Promise<End> {
  const live = createLiveLines(console);
  const view = createStudyView(!console.interactive);
  try {
    for await (const event of events) {
      if (event.kind === "end") return event;
      for (const line of view.take(event.event)) live.line(line);
      live.draw(() => view.lines());
    }
  } finally {
    live.end();
  }
  throw new WorkError("reproduce: it ended without saying how; try again");
}
