import type { Plan, Stage, Step, View, RowView, Buffer } from "../../src/compiler/plan.ts";
const buf = (b: Buffer): string => `${b.home[0]}${b.id}${b.name ? `"${b.name}"` : ""}(${b.elements})@${b.offset}${b.sameAs ? "=" + buf(b.sameAs) : ""}`;
const v = (x: View | RowView): string => "axes" in x ? `${buf(x.buffer)}+${x.offset}{${x.axes.map(a => `${a.size}*${a.stride}`).join(",")}|${x.columnStride}}${x.steps.length ? " st" + x.steps : ""}` : `${buf(x.buffer)}+${x.offset}[${x.shape}|${x.strides}]${x.steps.length ? " st" + x.steps : ""}`;
const step = (s: Step, pad: string): string => {
  switch (s.kind) {
    case "group": return `${pad}group ${s.rows}x${s.length}\n${s.memory.map((m, i) => `${pad}   m${i} ${m.extent} ${v(m.view)}`).join("\n")}\n${s.instructions.map((i, n) => `${pad}   ${n}: ${i.name} ${i.extent} ${i.dtype}>${i.result} ${i.operands.map(o => o.kind === "result" ? "#" + o.instruction : o.kind === "memory" ? "m" + o.memory : o.value).join()}`).join("\n")}\n${s.stores.map(t => `${pad}   store #${t.instruction} ${t.memory.extent} ${v(t.memory.view)}`).join("\n")}${s.partials.map(t => `${pad}   partial #${t.instruction} ${buf(t.partial.buffer)} w${t.partial.width} g${t.partial.groups}`).join("\n")}`;
    case "contract": return `${pad}contract ${v(s.a)} x ${v(s.b)} ${s.addend ? "+ " + v(s.addend) : ""} -> ${v(s.output)} ${s.prepared ? "prepared " + buf(s.prepared) : ""}`;
    case "prepare": return `${pad}prepare ${v(s.b)} -> ${buf(s.output)}`;
    case "reduce": return `${pad}reduce ${s.name} ${v(s.input)} -> ${v(s.output)}`;
    case "kernel": return `${pad}${s.node.op.name} ${s.inputs.map(v).join("; ")} -> ${s.outputs.map(v).join("; ")}`;
    case "loop": return `${pad}loop ${s.count} carried ${s.carried.map(buf)}\n${stages(s.stages, pad + "    ")}`;
  }
};
const stages = (list: readonly Stage[], pad: string): string => list.map(s => `${pad}stage ${s.groups}\n${s.steps.map(x => step(x, pad + "  ")).join("\n")}`).join("\n");
export const showPlan = (p: Plan): string => stages(p.stages, "");
