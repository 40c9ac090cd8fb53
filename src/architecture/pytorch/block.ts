// One block of an architecture as a class of PyTorch: its primitives and norms, how they lie on the residual stream, and what
// stands between its applications. Knows no primitive.
import { RequestError } from "../../errors.ts";
import type { Module } from "../../nn/primitive.ts";
import {
  type Lines,
  type PyTorchForm,
  type PythonHelper,
  python,
  pythonNumber,
} from "../../nn/pytorch/form.ts";
import { normModule } from "../../nn/pytorch/norm.ts";
import type { Architecture } from "../schema.ts";
import type { Block } from "../stripe.ts";
import { betweenForm } from "./between.ts";
import type { PythonClasses } from "./classes.ts";
import { attributeOf } from "./parameters.ts";

const dropSequencesHelper: PythonHelper = {
  name: "drop_sequences",
  text: `def drop_sequences(x, rate, training):
    """While training, x [B, ...] without some of its sequences, the others made larger by as much."""
    if not training or rate == 0:
        return x
    kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= rate
    return torch.where(kept, x / (1 - rate), 0)`,
};

/** The PyTorch form of a module. Errors: RequestError where nobody has said what it is. */
export function formOf({ name, pytorch }: Module): PyTorchForm {
  if (pytorch !== undefined) return pytorch();
  throw new RequestError(
    `export: primitive ${name} has no PyTorch form; give definePrimitive one as its member pytorch, or export --to onnx`,
  );
}

/** A class of blocks. */
export interface PrintedBlock {
  readonly name: string;
  readonly places: Block["places"];
  /** How often each is applied, and what stands between; null: once. */
  readonly loop: Architecture["loop"];
  /** Of the whole model, for stochastic depth. */
  readonly modules: number;
  /** The first lines of the class. */
  readonly matrices: Lines;
}

/** Whether `forward` of the blocks that are applied several times has to know which time it is. */
export const isNumbered = ({ loop, stochasticDepth }: Architecture): boolean =>
  loop !== null && (loop.between === "projection" || stochasticDepth > 0);

/** The text of the class. */
export function blockClass(
  { name: className, places, loop, modules, matrices }: PrintedBlock,
  architecture: Architecture,
  classes: PythonClasses,
): string {
  const { block, norm, normEpsilon, dropout, stochasticDepth, residualScale } = architecture;
  const isThinned = stochasticDepth > 0;
  const isMapped = loop?.between === "projection";
  const isCounted = loop !== null && isNumbered(architecture);
  if (isThinned) classes.use(dropSequencesHelper);
  const parts = places.map(({ name, module }) => ({
    attribute: attributeOf(name),
    call: classes.construct(formOf(module)),
  }));
  const scale = residualScale === undefined ? "" : `${pythonNumber(residualScale)} * `;
  requireDistinct(
    parts.map(({ attribute }) => attribute),
    isMapped ? ["between"] : [],
  );
  const made = (attribute: string, x: string): string => {
    const applied = `self.${attribute}(${x})`;
    return dropout === 0 ? applied : `F.dropout(${applied}, DROPOUT, self.training)`;
  };
  const kept = (attribute: string, i: number, x: string): string =>
    isThinned
      ? `${scale}drop_sequences(made, self.rate(${isCounted ? `${places.length} * repetition + ` : ""}${i + 1}), self.training)`
      : `${scale}${made(attribute, x)}`;
  const normed = (attribute: string, x: string) => (norm === "none" ? x : `self.${attribute}_norm(${x})`);
  const step = (attribute: string, i: number): Lines => {
    const x = block === "pre" || block === "parallel" ? normed(attribute, "x") : "x";
    const added = kept(attribute, i, x);
    return [
      isThinned && `        made = ${made(attribute, x)}`,
      `        ${summed(block, added, (sum) => normed(attribute, sum))}`,
    ];
  };
  const needsNorm = norm !== "none";
  return python([
    `class ${className}(nn.Module):`,
    matrices,
    `    def __init__(self${isThinned ? ", before" : ""}):`,
    "        super().__init__()",
    isThinned && "        self.before = before  # modules of the blocks before this one",
    ...parts.map(({ attribute, call }) => [
      needsNorm && `        self.${attribute}_norm = ${normModule(norm, "WIDTH", normEpsilon)}`,
      constructed(attribute, call),
    ]),
    isMapped &&
      `        self.between = nn.ModuleList(${classes.construct(betweenForm(architecture))} for _ in range(${loop.times - 1}))`,
    "",
    `    def forward(self, x${isCounted ? ", repetition" : ""}):`,
    isMapped && ["        if repetition > 0:", "            x = self.between[repetition - 1](x)"],
    block === "parallel" && "        y = x",
    parts.map(({ attribute }, i) => step(attribute, i)),
    `        return ${block === "parallel" ? "y" : "x"}`,
    isThinned && [
      "",
      "    def rate(self, number):",
      '        """At which a module of this block is left out: the last of the model most often."""',
      `        return STOCHASTIC_DEPTH * (self.before + number) / ${modules}`,
    ],
  ]);
}

/** Errors: RequestError where two members of a block, norms among them, would have one name. */
function requireDistinct(attributes: readonly string[], own: readonly string[]): void {
  const members = [...own, ...attributes.flatMap((attribute) => [attribute, `${attribute}_norm`])];
  const twice = members.find((member, i) => members.indexOf(member) < i);
  if (twice === undefined) return;
  throw new RequestError(
    `export: two parts of a block would be called ${twice} in Python; rename one of its primitives, or export --to onnx`,
  );
}

/** What becomes of what a primitive made. */
function summed(block: Architecture["block"], added: string, normed: (x: string) => string): string {
  switch (block) {
    case "pre":
      return `x = x + ${added}`;
    case "post":
      return `x = ${normed(`x + ${added}`)}`;
    case "parallel":
      return `y = y + ${added}`;
    case "none":
      return `x = ${normed(added)}`;
  }
}

/** A line, or three where that would be long. */
function constructed(attribute: string, call: string): string[] {
  const line = `        self.${attribute} = ${call}`;
  if (line.length <= 100) return [line];
  const open = line.indexOf("(") + 1;
  return [line.slice(0, open), `            ${line.slice(open, -1)}`, "        )"];
}
