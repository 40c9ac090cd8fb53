// One run in a process of its own: trains, growing on the way, or goes on with it; then scores it on the text that rates are
// chosen by. Knows no other run.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { dataFolders, evaluateRun, openMachine, resume, train } from "../../dist/index.js";
import { NOVELS, SELECTION } from "./data.js";

/** @type {import("../../dist/index.js").Work} */
export async function work({ spec: { architecture, training } }, { folder, threads, signal, report }) {
  const { machine } = await openMachine({ threads });
  const dataFolder = dataFolders(process.env);
  const run = { machine, folder, signal, dataFolder };
  let diverged = false;
  try {
    const events = hasCheckpoint(folder)
      ? resume(run)
      : train({ ...run, architecture, training, data: { data: NOVELS }, force: true });
    for await (const event of events) {
      if (event.kind === "step") report({ at: event.step, told: `loss ${event.loss.toFixed(3)}` });
      if (event.kind === "nonFinite") diverged = true;
    }
  } catch (error) {
    if (!diverged) throw error;
  }
  if (signal.aborted) throw new Error("stopped; the run goes on from its checkpoint");
  const { curve, flops, growth } = readCurve(path.join(folder, "log.jsonl"));
  if (diverged) return { value: { loss: null, selection: null, curve, growth }, flops };
  let selection;
  for await (const event of evaluateRun({
    machine,
    folder,
    dataFolder,
    data: SELECTION,
    checkpoint: "last",
  })) {
    if (event.kind === "end") selection = event.result.loss.value;
  }
  machine.dispose();
  return { value: { loss: curve.at(-1)[1], selection, curve, growth }, flops };
}

function hasCheckpoint(folder) {
  const checkpoints = path.join(folder, "checkpoints");
  return existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^\d+$/.test(name));
}

/** Held-out losses by training FLOPs; at a growth both networks' (the log of a run that went on may tell things twice). */
function readCurve(file) {
  const records = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const flopsAt = new Map(
    records.filter(({ kind }) => kind === "step").map(({ step, flops }) => [step, flops]),
  );
  const points = new Map();
  let growth = null;
  for (const { kind, step, loss, proof, parameters } of records) {
    if (kind === "evaluation") points.set(step, [[flopsAt.get(step), loss]]);
    if (kind !== "growth") continue;
    points.set(
      step,
      [loss.before, loss.after].map((one) => [flopsAt.get(step), one]),
    );
    growth = { step, flops: flopsAt.get(step), loss, parameters, difference: proof.largest / proof.scale };
  }
  const steps = [...points.keys()].sort((a, b) => a - b);
  return { curve: steps.flatMap((step) => points.get(step)), flops: [...flopsAt.values()].at(-1), growth };
}
