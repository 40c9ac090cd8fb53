// Values that a far later product reads again, such as a layer's normalised input in the gradient of its weight, are
// computed once more by a group that reads all they are made of anyway. They need no memory in between.
import type { Node, Tensor } from "../tensor/tensor.ts";
import type { Fusion } from "./fuse.ts";
import { CHEAP_INSTRUCTIONS, currentGroup, type Fused, type Group } from "./groups.ts";
import { groupsByLeaf } from "./siblings.ts";

/** By consumer and value: the group that makes the value anew for this consumer. */
export type Remade = ReadonlyMap<Node, ReadonlyMap<Tensor, Group>>;

/** A value read again this many levels after it was made is kept for long. */
const FAR_LEVELS = 4;
/** How many levels a product may be put off to wait for the group. */
const NEAR_LEVELS = 8;

export function remake(fusion: Fusion, order: readonly Node[]): Remade {
  const remade = new Map<Node, Map<Tensor, Group>>();
  const readers = groupsByLeaf(fusion);
  const consumers = consumersOf(order);
  const waiting = new Map<Group, Node[]>();
  for (const node of order) {
    if (node.op.lowering !== "contract") continue;
    for (const input of node.inputs) {
      const { base } = fusion.aliasOf(input);
      const fused = fusion.fused.get(base.node);
      if (fused === undefined || fused.role !== "tile" || fused.leaves.size === 0) continue;
      const group = findGroup(fusion, readers, node, fused, { consumers, waiting });
      if (group === undefined) continue;
      // Sums of rows within the value keep their rows.
      group.length ??= currentGroup(fused.group).length;
      waiting.set(group, [...(waiting.get(group) ?? []), node]);
      const values = remade.get(node) ?? new Map<Tensor, Group>();
      remade.set(node, values.set(base, group));
    }
  }
  return remade;
}

function findGroup(
  fusion: Fusion,
  readers: ReadonlyMap<Tensor, readonly Group[]>,
  node: Node,
  fused: Fused,
  dependants: Dependants,
): Group | undefined {
  const home = currentGroup(fused.group);
  const level = levelOf(fusion, node);
  if (fused.cost > CHEAP_INSTRUCTIONS || level - home.level <= FAR_LEVELS) return undefined;
  const [leaf, ...others] = [...fused.leaves];
  return readers
    .get(leaf!)
    ?.find(
      (group) =>
        group !== home &&
        group.elements === home.elements &&
        (group.length === undefined || home.length === undefined || group.length === home.length) &&
        group.level > home.level + FAR_LEVELS &&
        group.level <= level + NEAR_LEVELS &&
        others.every((other) => readers.get(other)?.includes(group)) &&
        !reaches(fusion, node, group, dependants),
    );
}

/** Who needs a node's values, and which products already wait for a group. */
interface Dependants {
  readonly consumers: ReadonlyMap<Node, readonly Node[]>;
  readonly waiting: ReadonlyMap<Group, readonly Node[]>;
}

/**
 * Whether the group depends on the node. Levels rise along every path but where a product waits, and there they fall by
 * few, so that few nodes are looked at.
 */
function reaches(fusion: Fusion, from: Node, group: Group, { consumers, waiting }: Dependants): boolean {
  const seen = new Set<Node>();
  const stack = [from];
  while (stack.length > 0) {
    for (const consumer of consumers.get(stack.pop()!) ?? []) {
      if (seen.has(consumer)) continue;
      seen.add(consumer);
      const fused = fusion.fused.get(consumer);
      const home = fused && currentGroup(fused.group);
      if (home === group) return true;
      // A view is read where its own consumers are.
      const isView = fused === undefined && consumer.op.lowering === "view";
      if (!isView && levelOf(fusion, consumer) >= group.level + 2 * NEAR_LEVELS) continue;
      stack.push(consumer);
      // A group is one step: all it makes comes after this, and so does what waits for it.
      for (const other of home === undefined ? [] : [...home.members, ...(waiting.get(home) ?? [])]) {
        if (seen.has(other)) continue;
        seen.add(other);
        stack.push(other);
      }
    }
  }
  return false;
}

function levelOf(fusion: Fusion, node: Node): number {
  const fused = fusion.fused.get(node);
  if (fused !== undefined) return currentGroup(fused.group).level;
  return (fusion.available.get(node.outputs[0]!) ?? 0) - 1;
}

function consumersOf(order: readonly Node[]): Map<Node, Node[]> {
  const consumers = new Map<Node, Node[]>();
  for (const node of order) {
    for (const { node: input } of node.inputs) {
      const list = consumers.get(input);
      if (list === undefined) consumers.set(input, [node]);
      else list.push(node);
    }
  }
  return consumers;
}
