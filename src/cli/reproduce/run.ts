// What `scantling reproduce` does: has a claim tested, shows how it goes, and prints the verdict; or lists the claims.

import { join } from "node:path";
import { type ReproduceAllEvent, reproduceAll, type TestedClaim } from "../../claims/all.ts";
import { type Claim, scales } from "../../claims/claim.ts";
import { claims, requireClaim } from "../../claims/claims.ts";
import { claimCost, usualSeconds } from "../../claims/cost.ts";
import { summaryLines } from "../../claims/overview.ts";
import { statusIn } from "../../claims/record.ts";
import { verdictLines } from "../../claims/report.ts";
import { type ReproduceEvent, reproduce } from "../../claims/reproduce.ts";
import { dataFolders } from "../../data/named/folders.ts";
import { RequestError, WorkError } from "../../errors.ts";
import { requireMakeable } from "../../study/makeable.ts";
import { defaultProcesses } from "../../study/processes.ts";
import type { Console } from "../console.ts";
import { interruptedCode } from "../failure.ts";
import { follow } from "../follow.ts";
import { tryMachine } from "../machine.ts";
import { trialWorkerWith } from "../workers.ts";
import type { ReproduceOptions } from "./command.ts";

/** @returns the exit code */
export async function runReproduce(
  name: string | undefined,
  options: ReproduceOptions,
  config: string | undefined,
  console: Console,
  commandLine: readonly string[],
): Promise<number> {
  if (options.list) return list(name, options, console);
  if (name === undefined) {
    const names = claims.map((claim) => claim.name).join(", ");
    throw new RequestError(`reproduce: no claim; expected one of ${names}, all, or --list`);
  }
  const {
    scale,
    data,
    seed,
    seeds,
    backend,
    json,
    threads = 1,
    processes = defaultProcesses(threads),
  } = options;
  const chosen = name === "all" ? null : requireClaim(name);
  const { out: folder = folderOf(name, scale) } = options;
  requireMakeable(folder);
  await tryMachine(options, console);
  if (data === undefined) {
    console.err("the data are built in, since no other are given; --data NAME takes others\n");
  }
  const request = {
    ...{ scale, folder, data, seed, seeds, backend, processes, threads, signal: console.signal },
    ...{ dataFolder: dataFolders(console.environment), worker: trialWorkerWith(config) },
    command: commandLine.join(" "),
  };
  const {
    reason,
    report,
    claims: tested,
  } = await follow(
    chosen === null ? reproduceAll(request) : one(chosen, reproduce({ claim: chosen, ...request })),
    console,
    "reproduce: it",
  );
  const document = tested.map(({ claim: { name, statement, source }, studies, report: own }) => ({
    ...{ claim: name, statement, source, report: own },
    studies: studies.map(({ label, result, verdict }) => ({ label, result, verdict })),
  }));
  console.out(
    json
      ? `${JSON.stringify({ ended: reason, claims: document, report })}\n`
      : `${[...tested.flatMap(linesOf), ...summaryOf(tested), `report: ${report}`].join("\n")}\n`,
  );
  if (reason === "interrupted") {
    console.err("paused: the same command goes on from here\n");
    return interruptedCode;
  }
  requireTested(tested, report);
  return 0;
}

/** Errors: WorkError where some of the claims could not be tested, since the others were. */
export function requireTested(tested: readonly TestedClaim[], report: string): void {
  const untested = tested.filter(({ refusal }) => refusal !== null);
  const [first] = untested;
  if (first === undefined) return;
  throw new WorkError(
    `reproduce: ${untested.length} of ${tested.length} claims could not be tested, such as ${first.claim.name}: ${first.refusal}; see ${report}`,
  );
}

/** One claim told as all are. */
async function* one(claim: Claim, events: AsyncIterable<ReproduceEvent>): AsyncGenerator<ReproduceAllEvent> {
  for await (const event of events) {
    if (event.kind === "study") yield event;
    else {
      const { reason, studies, report } = event;
      yield { kind: "end", reason, claims: [{ claim, studies, report, refusal: null }], report };
    }
  }
}

function linesOf({ claim, studies }: TestedClaim): string[] {
  return studies.flatMap((study) => [
    `${claim.name}, ${study.label}`,
    ...[...study.notes, "", ...study.lines, ""],
    ...[...verdictLines(claim, study), ""],
  ]);
}

/** Of several claims, after all that was said. */
function summaryOf(tested: readonly TestedClaim[]): string[] {
  return tested.length === 1 ? [] : [...summaryLines(tested), ""];
}

/** A line for each claim, or for the one that is named, and scale. */
function list(
  name: string | undefined,
  { json, processes = defaultProcesses(1) }: ReproduceOptions,
  console: Console,
): number {
  const asked = name === undefined || name === "all" ? claims : [requireClaim(name)];
  const rows = asked.flatMap((claim) =>
    scales.map((scale) => {
      const cost = claimCost(claim, scale);
      const folders = [folderOf(claim.name, scale), join(folderOf("all", scale), claim.name)];
      const status = folders.map(statusIn).find((one) => one !== "not run") ?? "not run";
      return { claim, scale, status, ...cost, seconds: usualSeconds(cost, processes) };
    }),
  );
  if (json) {
    const told = rows.map(({ claim: { name, title, source }, ...cost }) => ({
      ...{ name, title, source },
      ...cost,
    }));
    console.out(`${JSON.stringify(told)}\n`);
    return 0;
  }
  const width = Math.max(...asked.map((claim) => claim.name.length));
  const lines = rows.map(
    ({ claim, scale, runs, flops, seconds, status }) =>
      `${claim.name.padEnd(width)}  ${scale.padEnd(5)}  ${String(runs).padStart(4)} runs  ${flops.toExponential(1)} FLOPs  ` +
      `${aboutTime(seconds).padStart(6)}  ${claim.title}: ${status}`,
  );
  const note = `About so much at most, at the speed of an ordinary core, ${processes} runs at a time:`;
  console.out(`${[note, ...lines].join("\n")}\n`);
  return 0;
}

function aboutTime(seconds: number): string {
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}

/** Where a claim is run when nothing else is said. */
function folderOf(name: string, scale: string): string {
  return join("runs", "reproduce", `${name}-${scale}`);
}
