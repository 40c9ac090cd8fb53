// Decides which elementwise nodes and reductions are computed together, which values get memory of their own, and which
// are cheaper to compute again than to keep. Knows ops only by how they lower.
//
// Every value has a level; a fused group at level n reads only what is complete before n. Two nodes of one level can
// always share a group: a path between them through any other step would raise the level.
import { fillValue } from "../tensor/ops/leaf.ts";
import { isFloat, type Node, rowMajorStrides, type Strided, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { type Alias, columnLength, createAliases, isIdentity, transposedLength } from "./alias.ts";
import {
  CHEAP_INSTRUCTIONS,
  currentGroup,
  type Fused,
  type Group,
  isGenerator,
  merge,
  type Role,
  type Source,
} from "./groups.ts";
import { mergeSiblings } from "./siblings.ts";

/** A product whose result is added to something: computed in one step. */
export interface Accumulated {
  readonly contract: Node;
  readonly addend: Tensor;
  readonly sum: Tensor;
}

export interface Fusion {
  readonly aliasOf: (tensor: Tensor) => Alias;
  readonly fused: ReadonlyMap<Node, Fused>;
  readonly groups: readonly Group[];
  /** Tensors that get memory. */
  readonly roots: ReadonlySet<Tensor>;
  readonly accumulated: ReadonlyMap<Node, Accumulated>;
  /** Contract nodes that an `accumulated` step computes. */
  readonly absorbed: ReadonlySet<Node>;
  /** Level from which an unfused tensor can be read. */
  readonly available: ReadonlyMap<Tensor, number>;
  /** How often a tensor is read, as an input or as a result. */
  readonly uses: ReadonlyMap<Tensor, number>;
}

/** Full sums of rows up to this length are plain row reductions. */
const SHORT_SUM = 4096;
const LONGEST_COLUMN_SUM = 1 << 15;

interface Fuser {
  readonly aliasOf: (tensor: Tensor) => Alias;
  readonly fused: Map<Node, Fused>;
  readonly groups: Group[];
  readonly roots: Set<Tensor>;
  readonly accumulated: Map<Node, Accumulated>;
  readonly absorbed: Set<Node>;
  /** Level from which an unfused tensor can be read. */
  readonly available: Map<Tensor, number>;
  readonly uses: Map<Tensor, number>;
}

/** Fuses a lowered graph given as nodes in topological order. */
export function fuse(
  order: readonly Node[],
  results: readonly Tensor[],
  leafStrides: (leaf: Tensor) => readonly number[] | undefined,
): Fusion {
  const fuser: Fuser = {
    aliasOf: createAliases(leafStrides),
    fused: new Map(),
    groups: [],
    roots: new Set(),
    accumulated: new Map(),
    absorbed: new Set(),
    available: new Map(),
    uses: countUses(order, results),
  };
  for (const node of order) visit(fuser, node);
  for (const result of results) materialize(fuser, fuser.aliasOf(result).base);
  mergeSiblings(fuser);
  return {
    ...fuser,
    groups: fuser.groups.filter((group) => group.into === undefined),
  };
}

function countUses(order: readonly Node[], results: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const use = (tensor: Tensor) => uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  for (const node of order) node.inputs.forEach(use);
  results.forEach(use);
  return uses;
}

function visit(fuser: Fuser, node: Node): void {
  switch (node.op.lowering) {
    case "leaf":
      for (const output of node.outputs) fuser.available.set(output, 0);
      return;
    case "fill":
    case "iota":
      addGenerator(fuser, node, 0);
      return;
    case "random": {
      const [key] = node.inputs;
      addGenerator(fuser, node, materialize(fuser, fuser.aliasOf(key!).base));
      return;
    }
    case "view":
      // A view that strides cannot express is a copy, which fuses like any elementwise function.
      if (fuser.aliasOf(node.outputs[0]!).base.node === node) place(fuser, node);
      return;
    case "elementwise":
      if (!accumulate(fuser, node)) place(fuser, node);
      return;
    case "reduce":
      if (isStridedReduce(fuser, node)) visitStep(fuser, node);
      else place(fuser, node);
      return;
    case "contract":
    case "kernel":
      visitStep(fuser, node);
      return;
  }
}

/** A node that is a step of its own: all it reads has memory. */
function visitStep(fuser: Fuser, node: Node): void {
  const level = Math.max(0, ...node.inputs.map((input) => materialize(fuser, fuser.aliasOf(input).base)));
  for (const output of node.outputs) fuser.available.set(output, level + 1);
}

/** Whether a reduction runs across rows of what it reads in a way that no group can follow. */
function isStridedReduce(fuser: Fuser, node: Node): boolean {
  // Groups sum reals over their rows; sums of integers are a step of their own.
  if (node.op.name === "reduceSum" && sumDemand(fuser, node) !== undefined)
    return !isFloat(node.outputs[0]!.dtype);
  const { base, view } = fuser.aliasOf(node.inputs[0]!);
  return !isIdentity(view, sizeOf(base.shape)) && view.strides.at(-1) !== 1;
}

function addGenerator(fuser: Fuser, node: Node, level: number): void {
  const group: Group = {
    level,
    elements: sizeOf(node.outputs[0]!.shape),
    length: undefined,
    members: [node],
  };
  fuser.groups.push(group);
  const sources: Source[] = node.inputs.map((input) => ({ kind: "memory", ...fuser.aliasOf(input) }));
  fuser.fused.set(node, {
    node,
    group,
    role: "tile",
    sources,
    leaves: new Set(),
    cost: 2,
    inlineLevel: level,
  });
}

/** Gives a tensor memory of its own and returns the level from which it can be read. */
function materialize(fuser: Fuser, base: Tensor): number {
  const fused = fuser.fused.get(base.node);
  if (fused === undefined) return fuser.available.get(base) ?? 0;
  fuser.roots.add(base);
  return rootLevel(fused);
}

/** A column sum is finished by a step of its own after its group. */
function rootLevel({ group, role }: Fused): number {
  return currentGroup(group).level + (role === "columnSum" || role === "fullSum" ? 2 : 1);
}

/** Turns `product + addend` into one step where the product has no other use. */
function accumulate(fuser: Fuser, node: Node): boolean {
  if (node.op.name !== "add") return false;
  const elements = sizeOf(node.outputs[0]!.shape);
  const candidates = node.inputs
    .map((input, i) => ({ product: fuser.aliasOf(input), addend: node.inputs[1 - i]!, input }))
    .filter(({ product, input }) => {
      const isProduct =
        product.base.node.op.lowering === "contract" || fuser.accumulated.has(product.base.node);
      return (
        isProduct &&
        !fuser.accumulated.has(product.base.node) &&
        isIdentity(product.view, elements) &&
        onlyUse(fuser, input, product.base)
      );
    })
    .sort((p, q) => q.product.base.node.id - p.product.base.node.id);
  const chosen = candidates[0];
  if (chosen === undefined || fillValue(chosen.addend) !== undefined) return false;
  const addend = fuser.aliasOf(chosen.addend).base;
  // An addend still in registers is better added there.
  if (fuser.fused.has(addend.node) && !fuser.roots.has(addend)) return false;
  const contract = chosen.product.base.node;
  const level = Math.max(fuser.available.get(chosen.product.base)! - 1, materialize(fuser, addend));
  fuser.absorbed.add(contract);
  fuser.accumulated.set(node, { contract, addend: chosen.addend, sum: node.outputs[0]! });
  fuser.available.set(node.outputs[0]!, level + 1);
  return true;
}

/** Whether `tensor` and every view between it and `base` have a single use. */
function onlyUse(fuser: Fuser, tensor: Tensor, base: Tensor): boolean {
  let current = tensor;
  while (fuser.uses.get(current) === 1) {
    if (current === base) return true;
    current = current.node.inputs[0]!;
  }
  return false;
}

function sourceOf(fuser: Fuser, input: Tensor): Source {
  const value = fillValue(input);
  if (value !== undefined) return { kind: "immediate", value };
  const { base, view } = fuser.aliasOf(input);
  const fused = fuser.fused.get(base.node);
  if (fused === undefined || fused.role === "columnSum" || fused.role === "fullSum")
    return { kind: "memory", base, view };
  const elements = sizeOf(base.shape);
  if (isIdentity(view, elements)) return { kind: "fused", base, column: false, view };
  if (columnLength(view, elements) !== undefined) return { kind: "fused", base, column: true, view };
  return { kind: "memory", base, view };
}

/** What a node demands of its group: elements, row length, and its own role, given how it uses its sources. */
interface Demand {
  readonly elements: number;
  readonly length: number | undefined;
  readonly role: Role;
}

/** Finds a group for a fusable node, or makes one. */
function place(fuser: Fuser, node: Node): void {
  const sum = node.op.name === "reduceSum" ? sumDemand(fuser, node) : undefined;
  if (sum !== undefined) settle(fuser, node, [sum.source], sum.demand);
  else {
    const sources = node.inputs.map((input) => sourceOf(fuser, input));
    settle(fuser, node, sources, demandOf(fuser, node, sources));
  }
}

function demandOf(fuser: Fuser, node: Node, sources: readonly Source[]): Demand {
  if (node.op.lowering === "reduce") {
    const { shape } = node.inputs[0]!;
    return { elements: sizeOf(shape), length: shape.at(-1)!, role: "column" };
  }
  const elements = sizeOf(node.outputs[0]!.shape);
  // Only what stays in registers fixes the row length: a scalar that is read from memory fits rows of any.
  const column = sources.find(
    (source) =>
      source.kind === "fused" && source.column && fuser.fused.get(source.base.node)!.role === "column",
  );
  const length = column?.kind === "fused" ? elements / sizeOf(column.base.shape) : undefined;
  return { elements, length, role: "tile" };
}

/** Sums over rows: down the columns of a row-major tensor, or over everything. */
function sumDemand(fuser: Fuser, node: Node): { source: Source; demand: Demand } | undefined {
  const input = node.inputs[0]!;
  const { base, view } = fuser.aliasOf(input);
  const elements = sizeOf(input.shape);
  const baseElements = sizeOf(base.shape);
  const isFusable =
    fuser.fused.has(base.node) &&
    fuser.fused.get(base.node)!.role !== "columnSum" &&
    fuser.fused.get(base.node)!.role !== "fullSum";
  // Summed where its elements lie, in their own order.
  const inOrder = { shape: base.shape, offset: 0, strides: rowMajorStrides(base.shape) };
  const direct = (): Source =>
    isFusable
      ? { kind: "fused", base, column: false, view: inOrder }
      : { kind: "memory", base, view: inOrder };
  const summed = input.shape.at(-1)!;
  if (elements === summed && elements > SHORT_SUM && isIdentity(view, baseElements)) {
    return { source: direct(), demand: { elements, length: undefined, role: "fullSum" } };
  }
  const length = transposedLength(view, summed, baseElements);
  if (length === undefined || length > LONGEST_COLUMN_SUM || length < 2) return undefined;
  return { source: direct(), demand: { elements, length, role: "columnSum" } };
}

/** Puts a node into the group of its sources where levels and shapes allow it, else into a new group. */
function settle(fuser: Fuser, node: Node, given: readonly Source[], demand: Demand): void {
  const conflicts = new Set<number>();
  for (;;) {
    const sources = given.map((source, i) =>
      source.kind === "fused" && (conflicts.has(i) || !usable(fuser, source, demand))
        ? toMemory(source)
        : source,
    );
    const level = Math.max(0, ...sources.map((source) => sourceLevel(fuser, source, demand)));
    const choice = chooseGroups(fuser, sources, demand, level);
    if (choice.conflict !== undefined) {
      conflicts.add(choice.conflict);
      continue;
    }
    const final = sources.map((source): Source => {
      if (source.kind !== "fused") return source;
      const fused = fuser.fused.get(source.base.node)!;
      return choice.groups.includes(currentGroup(fused.group)) || isCheap(fused, demand, level)
        ? source
        : toMemory(source);
    });
    for (const source of final) {
      if (source.kind === "memory") materialize(fuser, source.base);
      else if (source.kind === "fused") keepLeaves(fuser, source, choice.groups);
    }
    const group =
      choice.groups.length > 0 ? choice.groups.reduce((a, b) => merge(a, b)) : newGroup(fuser, level, demand);
    group.length ??= choice.length;
    group.members.push(node);
    const role = demand.role === "tile" && choice.extent === "column" ? "column" : demand.role;
    const fused = { node, group, role, sources: final, ...expense(fuser, final, group) };
    fuser.fused.set(node, isJunction(fuser, fused) ? { ...fused, ...fromMemory(fused) } : fused);
    return;
  }
}

/** What a group computes again must find its big values in memory. */
function keepLeaves(
  fuser: Fuser,
  source: Extract<Source, { kind: "fused" }>,
  joined: readonly Group[],
): void {
  const fused = fuser.fused.get(source.base.node)!;
  if (joined.includes(currentGroup(fused.group))) return;
  for (const leaf of fused.leaves) materialize(fuser, leaf);
}

/**
 * Where big values meet and several users part again (a residual stream, say): other groups that compute what follows
 * read this one value instead of all that went into it. It gets memory once one does.
 */
function isJunction(fuser: Fuser, { node, role, leaves }: Fused): boolean {
  return role === "tile" && leaves.size > 1 && (fuser.uses.get(node.outputs[0]!) ?? 0) > 1;
}

function fromMemory(fused: Fused): Pick<Fused, "leaves" | "cost" | "inlineLevel"> {
  return { leaves: new Set([fused.node.outputs[0]!]), cost: 0, inlineLevel: rootLevel(fused) };
}

function toMemory(source: { readonly base: Tensor; readonly view: Strided }): Source {
  return { kind: "memory", base: source.base, view: source.view };
}

function newGroup(fuser: Fuser, level: number, demand: Demand): Group {
  const group: Group = { level, elements: demand.elements, length: demand.length, members: [] };
  fuser.groups.push(group);
  return group;
}

/** The row length a fused value imposes on the group it is computed in. */
function lengthOf(fuser: Fuser, base: Tensor): number | undefined {
  const fused = fuser.fused.get(base.node)!;
  if (fused.node.op.lowering === "reduce") return fused.node.inputs[0]!.shape.at(-1)!;
  for (const source of fused.sources) {
    if (source.kind !== "fused") continue;
    if (source.column) return sizeOf(fused.node.outputs[0]!.shape) / sizeOf(source.base.shape);
    const length = lengthOf(fuser, source.base);
    if (length !== undefined) return length;
  }
  return undefined;
}

/** Whether a fused source has the shape that the demand needs of it: same elements, or one per row. */
function usable(fuser: Fuser, source: Extract<Source, { kind: "fused" }>, demand: Demand): boolean {
  const fused = fuser.fused.get(source.base.node)!;
  const group = currentGroup(fused.group);
  const imposed = fused.role === "column" ? group.length : lengthOf(fuser, source.base);
  if (demand.length !== undefined && imposed !== undefined && imposed !== demand.length) return false;
  if (source.column) {
    // A scalar or a plain vector repeated along rows: only a row reduction's result is worth having in registers.
    return fused.role === "column" && group.elements === demand.elements;
  }
  if (demand.role === "columnSum") return fused.role === "tile";
  if (demand.role === "column") return fused.role === "tile";
  return true;
}

/** Whether a value is better computed again than read, by a group of the given level. */
function isCheap(fused: Fused, demand: Demand, level: number): boolean {
  if (fused.inlineLevel > level) return false;
  if (fused.cost > CHEAP_INSTRUCTIONS || fused.leaves.size > 1) return false;
  // Column values of another group can be recomputed only from tiles of the same space.
  return fused.role === "tile" || currentGroup(fused.group).elements === demand.elements;
}

function sourceLevel(fuser: Fuser, source: Source, demand: Demand): number {
  switch (source.kind) {
    case "immediate":
      return 0;
    case "memory": {
      const fused = fuser.fused.get(source.base.node);
      return fused === undefined ? (fuser.available.get(source.base) ?? 0) : rootLevel(fused);
    }
    case "fused": {
      const fused = fuser.fused.get(source.base.node)!;
      const home = currentGroup(fused.group).level;
      return isCheap(fused, demand, home) ? Math.min(fused.inlineLevel, home) : home;
    }
  }
}

interface Choice {
  /** Groups at the level that the node joins; none: it starts one. */
  readonly groups: Group[];
  /** Row length of the joined group, as far as its members say. */
  readonly length: number | undefined;
  readonly extent: "tile" | "column";
  /** A source that must be read from memory before any choice is possible. */
  readonly conflict?: number;
}

function chooseGroups(fuser: Fuser, sources: readonly Source[], demand: Demand, level: number): Choice {
  const groups: Group[] = [];
  let extent: "tile" | "column" | undefined;
  let length = demand.length;
  for (const [i, source] of sources.entries()) {
    if (source.kind !== "fused") continue;
    const fused = fuser.fused.get(source.base.node)!;
    const group = currentGroup(fused.group);
    if (group.level !== level || isGenerator(fused.node) || groups.includes(group)) continue;
    const role = extentIn(source, fused, demand);
    const fits =
      (extent === undefined || extent === role) &&
      (groups.length === 0 || groups[0]!.elements === group.elements) &&
      (length === undefined || group.length === undefined || group.length === length) &&
      (role === "tile" ? group.elements === demand.elements : extentMatches(group, demand));
    if (fits) {
      extent = role;
      length ??= group.length;
      groups.push(group);
    } else if (!isCheap(fused, demand, level))
      return { groups, length, extent: extent ?? "tile", conflict: i };
  }
  for (const [i, source] of sources.entries()) {
    if (source.kind !== "fused") continue;
    const fused = fuser.fused.get(source.base.node)!;
    if (groups.includes(currentGroup(fused.group)) || !isCheap(fused, demand, level)) continue;
    const imposed = lengthOf(fuser, source.base);
    if (imposed === undefined) continue;
    if (extent === "column" || (length !== undefined && imposed !== length)) {
      return { groups, length, extent: extent ?? "tile", conflict: i };
    }
    length = imposed;
  }
  return { groups, length, extent: extent ?? "tile" };
}

/** The extent at which a node would run inside the group of one of its sources. */
function extentIn(
  source: Extract<Source, { kind: "fused" }>,
  fused: Fused,
  demand: Demand,
): "tile" | "column" {
  if (source.column || demand.role === "column" || demand.role === "columnSum") return "tile";
  return fused.role === "column" ? "column" : "tile";
}

function extentMatches(group: Group, demand: Demand): boolean {
  return group.length !== undefined && group.elements / group.length === demand.elements;
}

/** What recomputing a node would read and cost. */
function expense(
  fuser: Fuser,
  sources: readonly Source[],
  group: Group,
): Pick<Fused, "leaves" | "cost" | "inlineLevel"> {
  const leaves = new Set<Tensor>();
  let cost = 1;
  let inlineLevel = 0;
  for (const source of sources) {
    if (source.kind === "immediate") continue;
    const fused = fuser.fused.get(source.base.node);
    if (source.kind === "memory") {
      if (sizeOf(source.base.shape) * 8 > group.elements) leaves.add(source.base);
      inlineLevel = Math.max(
        inlineLevel,
        fused === undefined ? (fuser.available.get(source.base) ?? 0) : rootLevel(fused),
      );
    } else {
      for (const leaf of fused!.leaves) leaves.add(leaf);
      cost += fused!.cost;
      inlineLevel = Math.max(inlineLevel, fused!.inlineLevel);
    }
  }
  return { leaves, cost, inlineLevel };
}
