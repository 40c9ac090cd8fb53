// Sources in PyTorch that make a matrix of the one below: low-rank additions, maps between groups of outputs, rounding.
import { type PythonHelper, python, type SourceForm } from "./form.ts";
import { matricesHelper } from "./matrices.ts";

/** Every matrix is computed by what `call` makes, `matrix` being its `Matrix`. */
function adapted(call: string, helper: PythonHelper, members: readonly string[]): SourceForm {
  return {
    lines: ["        for matrix in matrices(self):", `            matrix.compute(${call})`],
    uses: [matricesHelper, helper],
    members,
  };
}

const lowRankHelper: PythonHelper = {
  name: "LowRank",
  text: python([
    "class LowRank(nn.Module):",
    '    """A matrix and a low-rank one of its own: W + A B, at first W."""',
    "",
    "    def __init__(self, matrix, rank):",
    "        super().__init__()",
    "        rank = min(rank, matrix.rows, matrix.columns)",
    "        deviation = 0.02 if matrix.deviation is None else matrix.deviation",
    "        self.left = nn.Parameter(torch.zeros(matrix.rows, rank))",
    "        self.right = nn.Parameter(torch.randn(rank, matrix.columns) * deviation)",
    "",
    "    def forward(self, weight):",
    "        return weight + self.left @ self.right",
  ]),
};

export function loraInPyTorch({ rank }: Readonly<{ rank: number }>): SourceForm {
  return adapted(`LowRank(matrix, rank=${rank})`, lowRankHelper, ["left", "right"]);
}

const outputMapHelper: PythonHelper = {
  name: "OutputMap",
  text: python([
    "class OutputMap(nn.Module):",
    '    """A matrix whose groups of outputs are mixed by a small map of its own, at first the identity."""',
    "",
    "    def __init__(self, matrix, groups):",
    "        super().__init__()",
    "        self.map = nn.Parameter(torch.eye(math.gcd(groups, matrix.columns)))",
    "",
    "    def forward(self, weight):",
    "        groups = weight.unflatten(-1, (len(self.map), -1))",
    '        return torch.einsum("igo,gh->iho", groups, self.map).flatten(-2)',
  ]),
};

export function mapsInPyTorch({ groups }: Readonly<{ groups: number }>): SourceForm {
  return adapted(`OutputMap(matrix, groups=${groups})`, outputMapHelper, ["map"]);
}

const ternaryHelper: PythonHelper = {
  name: "Ternary",
  text: python([
    "class Ternary(nn.Module):",
    '    """-1, 0 or 1 times one number; gradients pass as if nothing were rounded."""',
    "",
    "    def forward(self, weight):",
    "        scale = weight.abs().mean() + 1e-5",
    "        rounded = (weight / scale).round().clamp(-1, 1) * scale",
    "        return weight + (rounded - weight).detach()",
  ]),
};

export function ternaryInPyTorch(): SourceForm {
  return adapted("Ternary()", ternaryHelper, []);
}
