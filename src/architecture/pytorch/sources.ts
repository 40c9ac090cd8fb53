// What sources need in the text of a PyTorch file: the matrices of each class of blocks, and lines in the constructor of the
// model that share parameters and compute matrices. Knows no primitive and no source.
import { type Lines, type PythonHelper, pythonNumber } from "../../nn/pytorch/form.ts";
import type { PyTorchName } from "../../nn/pytorch/names.ts";
import { initialDeviation, isBlockMatrix } from "../../nn/sources/source.ts";
import type { Architecture } from "../schema.ts";
import type { PythonClasses } from "./classes.ts";
import type { Origins } from "./origins.ts";

const tieHelper: PythonHelper = {
  name: "tie",
  text: `def tie(module, other):
    """Gives a module the parameters of another of its kind, so that each can add to them."""
    for tensors in (other.named_parameters, other.named_buffers):
        for path, tensor in tensors(remove_duplicate=False):
            owner, _, name = path.rpartition(".")
            setattr(module.get_submodule(owner), name, tensor)`,
};

/** Whether matrices of blocks are computed. */
export const hasComputed = ({ sources }: Origins): boolean => sources.some((source) => source !== "sharing");

/** Lines of a class of blocks: its matrices in the order in which sources count them. Path: `first`, `block.0`, `last`. */
export function matrixLines(
  path: string,
  { asked }: Origins,
  names: ReadonlyMap<string, PyTorchName>,
  { standardDeviation }: Architecture,
): Lines {
  const front = path.replace(/^block\./, "blocks.");
  const own = [...asked].filter(
    ([name, declaration]) => name.startsWith(`${path}.`) && isBlockMatrix(name, declaration),
  );
  if (own.length === 0) return [];
  return [
    "    # What sources compute, and the standard deviation it begins with.",
    "    MATRICES = {",
    own.map(([name, declaration]) => {
      const deviation = initialDeviation(declaration);
      const printed =
        deviation === undefined
          ? "None"
          : deviation === standardDeviation
            ? "DEVIATION"
            : pythonNumber(deviation);
      return `        "${names.get(name)!.name.slice(front.length + 1)}": ${printed},`;
    }),
    "    }",
    "",
  ];
}

/** Lines of the constructor of `Model`, after its blocks. */
export function sourceLines(
  all: Origins,
  names: ReadonlyMap<string, PyTorchName>,
  { repeat }: Architecture,
  classes: PythonClasses,
): Lines {
  return all.sources.map((source) => {
    if (source === "sharing") return sharingLines(all, names, repeat, classes);
    for (const helper of source.uses) classes.use(helper);
    return source.lines;
  });
}

const inBlock = /^blocks\.(\d+)\.(.+)$/s;

function sharingLines(
  { origins }: Origins,
  names: ReadonlyMap<string, PyTorchName>,
  repeat: number,
  classes: PythonClasses,
): Lines {
  const firsts = Array.from({ length: repeat }, (_, block) => block);
  const members = new Map<number, Member[]>();
  let isTied = false;
  for (const [name, { owner, steps, below }] of origins) {
    const [, block, rest] = inBlock.exec(names.get(name)!.name) ?? [];
    if (block === undefined) continue;
    const number = Number(block);
    const isShared = owner !== name;
    members.set(number, [...(members.get(number) ?? []), { path: rest!.split("."), isShared }]);
    if (!isShared) continue;
    firsts[number] = Number(inBlock.exec(names.get(owner)!.name)![1]);
    isTied ||= steps.length > below;
  }
  const sharing = firsts.findIndex((first, block) => first !== block);
  const paths = sharedParts(members.get(sharing)!);
  if (isTied) classes.use(tieHelper);
  const isAll = firsts.every((first) => first === 0);
  const first = isAll ? "0" : "first";
  return [
    isAll
      ? "        for block in self.blocks[1:]:  # all have the parameters of the first"
      : `        for block, first in zip(self.blocks, [${firsts.join(", ")}]):  # with the parameters of an earlier one`,
    paths.map(({ path, isModule }) => {
      const part = path.join(".");
      const other = `self.blocks[${first}].${part}`;
      return isTied && isModule
        ? `            tie(block.${part}, ${other})`
        : `            block.${part} = ${other}`;
    }),
  ];
}

interface Member {
  readonly path: readonly string[];
  readonly isShared: boolean;
}

interface Part {
  readonly path: readonly string[];
  /** Not a parameter alone. */
  readonly isModule: boolean;
}

/** The largest parts of which everything is shared. */
function sharedParts(members: readonly Member[], depth = 1): Part[] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const front = member.path.slice(0, depth).join(".");
    groups.set(front, [...(groups.get(front) ?? []), member]);
  }
  return [...groups.values()].flatMap((group) => {
    const path = group[0]!.path.slice(0, depth);
    if (group.every(({ isShared }) => isShared)) return [{ path, isModule: group[0]!.path.length > depth }];
    return group.some(({ isShared }) => isShared) ? sharedParts(group, depth + 1) : [];
  });
}
