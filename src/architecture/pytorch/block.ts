// One block of an architecture as a class of PyTorch: its primitives and norms, and how they lie on the residual stream.
// Knows no primitive.
import { RequestError } from "../../errors.ts";
import type { Module } from "../../nn/primitive.ts";
import { type PyTorchForm, type PythonHelper, python, pythonNumber } from "../../nn/pytorch/form.ts";
import { normModule } from "../../nn/pytorch/norm.ts";
import type { Architecture } from "../schema.ts";
import type { Block } from "../stripe.ts";
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

/** The text of the class. `modules`: of the whole model, for stochastic depth. */
export function blockClass(
  className: string,
  places: Block["places"],
  architecture: Architecture,
  modules: number,
  classes: PythonClasses,
): string {
  const { block, norm, normEpsilon, dropout, stochasticDepth, residualScale } = architecture;
  if (stochasticDepth > 0) classes.use(dropSequencesHelper);
  const parts = places.map(({ name, module }) => ({
    attribute: attributeOf(name),
    made: classes.construct(formOf(module)),
  }));
  const added = (attribute: string, i: number, x: string): string => {
    const made = `self.${attribute}(${x})`;
    const dropped = dropout === 0 ? made : `F.dropout(${made}, DROPOUT, self.training)`;
    const rate = `STOCHASTIC_DEPTH * (self.before + ${i + 1}) / ${modules}`;
    const kept = stochasticDepth === 0 ? dropped : `drop_sequences(${dropped}, ${rate}, self.training)`;
    return residualScale === undefined ? kept : `${pythonNumber(residualScale)} * ${kept}`;
  };
  const normed = (attribute: string, x: string) => (norm === "none" ? x : `self.${attribute}_norm(${x})`);
  const step = (attribute: string, i: number): string => {
    switch (block) {
      case "pre":
        return `        x = x + ${added(attribute, i, normed(attribute, "x"))}`;
      case "post":
        return `        x = ${normed(attribute, `x + ${added(attribute, i, "x")}`)}`;
      case "parallel":
        return `        y = y + ${added(attribute, i, normed(attribute, "x"))}`;
      case "none":
        return `        x = ${normed(attribute, added(attribute, i, "x"))}`;
    }
  };
  const needsNorm = norm !== "none";
  return python([
    `class ${className}(nn.Module):`,
    `    def __init__(self${stochasticDepth > 0 ? ", before" : ""}):`,
    "        super().__init__()",
    stochasticDepth > 0 && "        self.before = before  # modules of the blocks before this one",
    ...parts.map(({ attribute, made }) => [
      needsNorm && `        self.${attribute}_norm = ${normModule(norm, "WIDTH", normEpsilon)}`,
      constructed(attribute, made),
    ]),
    "",
    "    def forward(self, x):",
    block === "parallel" && "        y = x",
    parts.map(({ attribute }, i) => step(attribute, i)),
    `        return ${block === "parallel" ? "y" : "x"}`,
  ]);
}

/** A line, or three where that would be long. */
function constructed(attribute: string, made: string): string[] {
  const line = `        self.${attribute} = ${made}`;
  if (line.length <= 100) return [line];
  const open = line.indexOf("(") + 1;
  return [line.slice(0, open), `            ${line.slice(open, -1)}`, "        )"];
}
