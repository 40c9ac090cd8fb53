// Groups that read the same big values: found, and merged where they can run as one.
import { type Node, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { compatible, currentGroup, type Fused, type Group, isGenerator, merge } from "./groups.ts";

interface Fusing {
  readonly groups: readonly Group[];
  readonly fused: ReadonlyMap<Node, Fused>;
}

/** For every big value: the groups that read it, those that compute others' expressions again included. */
export function groupsByLeaf({ groups, fused }: Fusing): Map<Tensor, Group[]> {
  const readers = new Map<Tensor, Group[]>();
  for (const group of groups) {
    if (group.into !== undefined || group.members.every(isGenerator)) continue;
    for (const leaf of bigLeaves(group, fused)) {
      const list = readers.get(leaf);
      if (list === undefined) readers.set(leaf, [group]);
      else list.push(group);
    }
  }
  return readers;
}

function bigLeaves(group: Group, fused: ReadonlyMap<Node, Fused>): Set<Tensor> {
  const read = new Set<Tensor>();
  for (const node of group.members) {
    for (const source of fused.get(node)!.sources) {
      if (source.kind === "memory" && sizeOf(source.base.shape) * 2 > group.elements) read.add(source.base);
      if (source.kind === "fused") for (const leaf of fused.get(source.base.node)!.leaves) read.add(leaf);
    }
  }
  return read;
}

/** Groups of one level and shape that read the same big value become one, so that it is read once. */
export function mergeSiblings(fusing: Fusing): void {
  for (const readers of groupsByLeaf(fusing).values()) {
    for (let i = 1; i < readers.length; i++) {
      for (let j = 0; j < i; j++) {
        const a = currentGroup(readers[j]!);
        const b = currentGroup(readers[i]!);
        if (a !== b && a.level === b.level && compatible(a, b)) merge(a, b);
      }
    }
  }
}
