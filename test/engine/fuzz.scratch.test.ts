import { showPlan } from "./show.scratch.ts";
import fc from "fast-check";
import { test } from "vitest";
import { describeMismatch, fillIn, mismatch, native } from "./harness.ts";
import { programOf, type Recipe, type Row } from "./randomProgram.ts";
import { programInputs, topologicalOrder, programResults, inputName } from "../../src/tensor/index.ts";
const row: fc.Arbitrary<Row> = fc.tuple(fc.nat(1008), fc.nat(1008), fc.nat(1008), fc.nat(1008), fc.nat(1008));
const recipe: fc.Arbitrary<Recipe> = fc.record({ rows: fc.array(row, { minLength: 2, maxLength: 16 }), results: fc.array(fc.nat(100000), { maxLength: 4 }) });
test("fuzz", async () => {
  const machine = await native(true);
  const seed = Number(process.env.SEED ?? 1), numRuns = Number(process.env.RUNS ?? 100);
  const t0 = performance.now();
  if (process.env.ONE) { const of = JSON.parse(process.env.ONE); const p = programOf(of); const m = mismatch(machine, p, fillIn(p, 5), 1e-9); console.log(m && describeMismatch(m)); for (const n of topologicalOrder(programResults(p))) console.log(n.id, n.op.name, inputName(n.outputs[0]!) ?? "", JSON.stringify(n.attributes, (k, v) => k === "body" ? undefined : v), "(" + n.inputs.map(i => i.node.id + "." + i.output).join() + ")", n.outputs.map(o => o.dtype + "[" + o.shape + "]").join(" ")); console.log(showPlan(machine.load(p).plan)); return; }
  const r = fc.check(fc.property(recipe, (of) => {
    const p = programOf(of);
    const values = fillIn(p, 5);
    const m = mismatch(machine, p, values, 1e-9);
    if (m) throw new Error(describeMismatch(m));
  }), { seed, numRuns, endOnFailure: false });
  console.log("seed", seed, "runs", r.numRuns, "failed", r.failed, "ms", performance.now() - t0);
  if (r.failed) {
    const of = r.counterexample![0];
    console.log(JSON.stringify(of), "\n", (r.errorInstance as Error)?.stack?.split("\n").slice(0, 9).join("\n"));
    const p = programOf(of);
    for (const n of topologicalOrder(programResults(p))) console.log(n.id, n.op.name, inputName(n.outputs[0]!) ?? "", JSON.stringify(n.attributes, (k, v) => k === "body" ? undefined : v), "(" + n.inputs.map(i => i.node.id + "." + i.output).join() + ")", n.outputs.map(o => o.dtype + "[" + o.shape + "]").join(" "));
    try { console.log(showPlan(machine.load(p).plan)); } catch (e) { console.log(String(e)); }
    for (const [k, v] of Object.entries({ ...p.outputs, ...p.updates })) console.log(k, "=", v.node.id + "." + v.output);
  }
}, 600000);
