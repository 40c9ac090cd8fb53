// Fused groups and their members, as fusion builds them and later passes read them.
import type { Node, Strided, Tensor } from "../tensor/tensor.ts";

/** Computing a value again beyond this many instructions costs more than reading it. */
export const CHEAP_INSTRUCTIONS = 40;

/** How a fused node reads one of its inputs. */
export type Source =
  | { readonly kind: "immediate"; readonly value: number }
  | { readonly kind: "fused"; readonly base: Tensor; readonly column: boolean; readonly view: Strided }
  | { readonly kind: "memory"; readonly base: Tensor; readonly view: Strided };

/** What a fused node is within its group: one value per element, one per row, or a sum over rows. */
export type Role = "tile" | "column" | "columnSum" | "fullSum";

export interface Group {
  readonly level: number;
  elements: number;
  /** Row length; undefined while any would do. */
  length: number | undefined;
  members: Node[];
  /** The group this one was merged into. */
  into?: Group;
}

export interface Fused {
  readonly node: Node;
  readonly group: Group;
  role: Role;
  readonly sources: readonly Source[];
  /** Big values that computing this again would read, and how many instructions it would take. */
  readonly leaves: ReadonlySet<Tensor>;
  readonly cost: number;
  readonly inlineLevel: number;
}

export function currentGroup(group: Group): Group {
  let current = group;
  while (current.into !== undefined) current = current.into;
  return current;
}

/** Sources with no inputs: always computed where they are needed. */
export function isGenerator(node: Node): boolean {
  return node.op.lowering === "iota" || node.op.lowering === "random" || node.op.lowering === "fill";
}

export function compatible(a: Group, b: Group): boolean {
  return (
    a === b ||
    (a.elements === b.elements && (a.length === undefined || b.length === undefined || a.length === b.length))
  );
}

export function merge(a: Group, b: Group): Group {
  if (a === b) return a;
  a.length ??= b.length;
  a.members.push(...b.members);
  b.members = [];
  b.into = a;
  return a;
}
