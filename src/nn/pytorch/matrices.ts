// The matrices of blocks in PyTorch as sources see them, and how a source comes to compute one. Knows no particular source.
import type { PythonHelper } from "./form.ts";

const computedHelper: PythonHelper = {
  name: "Computed",
  text: `class Computed(nn.Module):
    """What a source makes of a weight, for torch.nn.utils.parametrize."""

    def __init__(self, source, matrix):
        super().__init__()
        self.source, self.shape, self.is_turned = source, matrix.shape, matrix.is_turned

    def forward(self, weight):
        made = self.source(weight.T if self.is_turned else weight.flatten(0, -2))
        return made.T if self.is_turned else made.view(self.shape)`,
};

const matrixHelper: PythonHelper = {
  name: "Matrix",
  text: `class Matrix:
    """A weight of a block as sources see it: rows are inputs, columns outputs; several maps lie below each other."""

    def __init__(self, block, path, deviation):
        layer, _, self.name = path.rpartition(".")
        self.layer = block.get_submodule(layer)
        self.kind = type(block), path  # the same in every repetition of a block
        self.deviation = deviation  # standard deviation at the start; None where it is not drawn
        self.shape = getattr(self.layer, self.name).shape
        self.is_turned = isinstance(self.layer, nn.Linear)  # which has [outputs, inputs]
        self.columns = self.shape[0 if self.is_turned else -1]
        self.rows = self.shape.numel() // self.columns

    def compute(self, source):
        """From now on the weight is what the source makes of what it was."""
        parametrize.register_parametrization(self.layer, self.name, Computed(source, self))

    def replace(self, source):
        """From now on the weight is what the source makes of its own numbers; the weight itself keeps none."""
        delattr(self.layer, self.name)
        self.layer.register_buffer(self.name, torch.empty(0, 0))
        parametrize.register_parametrization(self.layer, self.name, Computed(source, self), unsafe=True)`,
  uses: [computedHelper],
};

/** `matrices(model)`: a `Matrix` for each, block by block. */
export const matricesHelper: PythonHelper = {
  name: "matrices",
  text: `def matrices(model):
    """The matrices of all blocks, each as a Matrix."""
    for block in model.modules():
        for path, deviation in getattr(block, "MATRICES", {}).items():
            yield Matrix(block, path, deviation)`,
  uses: [matrixHelper],
};
