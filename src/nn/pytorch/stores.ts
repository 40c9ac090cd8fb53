// Sources in PyTorch that say what a matrix is stored as: a part of one vector for all, or small tensors in a row.
import { type PythonHelper, python, type SourceForm } from "./form.ts";
import { matricesHelper } from "./matrices.ts";

const threefryHelper: PythonHelper = {
  name: "threefry",
  text: python([
    "def threefry(seed, stream, counters):",
    '    """A random number of 32 bits for each counter, Threefry-2x32 (Salmon et al. 2011): everywhere the same."""',
    "    bits = 2**32 - 1",
    "    keys = [seed, stream, seed ^ stream ^ 0x1BD11BDA]",
    "    first, second = (counters + seed) & bits, torch.full_like(counters, stream)",
    "    for i in range(20):",
    "        turn = [13, 15, 26, 6, 17, 29, 16, 24][i % 8]",
    "        first = (first + second) & bits",
    "        second = ((second << turn | second >> (32 - turn)) & bits) ^ first",
    "        if i % 4 == 3:",
    "            group = i // 4 + 1",
    "            first = (first + keys[group % 3]) & bits",
    "            second = (second + keys[(group + 1) % 3] + group) & bits",
    "    return first",
  ]),
};

const orderHelper: PythonHelper = {
  name: "bank_order",
  text: python([
    "def bank_order(size, seed, count):",
    '    """Which number of the bank each of count places has, round and round in a random order, and with which sign."""',
    "    places, numbers = torch.arange(count), torch.arange(size)",
    "    others = (threefry(seed, 0, numbers).double() / 2**32 * (numbers + 1)).long().tolist()",
    "    order = list(range(size))",
    "    for i in reversed(range(size)):",
    "        order[i], order[others[i]] = order[others[i]], order[i]",
    "    return torch.tensor(order)[places % size], 1.0 - 2.0 * (threefry(seed, 1, places) & 1)",
  ]),
  uses: [threefryHelper],
};

const fromBankHelper: PythonHelper = {
  name: "FromBank",
  text: python([
    "class FromBank(nn.Module):",
    '    """A matrix of numbers that all matrices have in common, in an order and with signs of its own."""',
    "",
    "    def __init__(self, matrix, bank, places, signs):",
    "        super().__init__()",
    "        self.bank = bank",
    "        shape = matrix.rows, matrix.columns",
    '        self.register_buffer("places", places.view(shape), persistent=False)',
    '        self.register_buffer("scales", signs.view(shape) * matrix.deviation, persistent=False)',
    "",
    "    def forward(self, _):",
    "        return self.bank[self.places] * self.scales",
  ]),
};

export function bankInPyTorch({ size, seed }: Readonly<{ size: number; seed: number }>): SourceForm {
  return {
    lines: [
      `        self.bank = nn.Parameter(torch.randn(${size}))`,
      "        drawn = [matrix for matrix in matrices(self) if matrix.deviation is not None]",
      "        sizes = [matrix.rows * matrix.columns for matrix in drawn]",
      `        order = bank_order(${size}, seed=${seed}, count=sum(sizes))`,
      "        for matrix, places, signs in zip(drawn, *(part.split(sizes) for part in order)):",
      "            matrix.replace(FromBank(matrix, self.bank, places, signs))",
    ],
    uses: [matricesHelper, orderHelper, fromBankHelper],
    members: ["bank"],
    inModel: true,
  };
}

const sitesHelper: PythonHelper = {
  name: "five_factors",
  text: python([
    "def five_factors(size):",
    '    """A size as a product of five: two small ones on each side, and what is left in the middle."""',
    "    found = []",
    "    for _ in range(4):",
    "        found.append(next(n for n in (4, 3, 2, 1) if size % n == 0 and size // n >= n))",
    "        size //= found[-1]",
    "    return found[0], found[2], size, found[3], found[1]",
  ]),
};

/** Bonds are limited only where a rank is given. */
const productHelper = (isLimited: boolean): PythonHelper => ({
  name: "TensorChain",
  text: python([
    "class TensorChain(nn.Module):",
    '    """A matrix as a product of five small tensors [bond, inputs, outputs, bond] in a row."""',
    "",
    `    def __init__(self, matrix${isLimited ? ", rank" : ""}):`,
    "        super().__init__()",
    "        sites = list(zip(five_factors(matrix.rows), five_factors(matrix.columns)))",
    "        sizes = [inputs * outputs for inputs, outputs in sites]",
    "        # A bond is no wider than either side of it can use.",
    `        bonds = [min(${isLimited ? "rank, " : ""}math.prod(sizes[:k]), math.prod(sizes[k:])) for k in range(1, 5)]`,
    "        bonds = [1, *bonds, 1]",
    "        # Towards the centre every sum is over the bond on the inner side, and keeps its variance.",
    "        outer = [bonds[k] ** -0.5 for k in range(1, 5)]",
    "        deviations = [*outer[:2], matrix.deviation, *outer[2:]]",
    "        self.tensors = nn.ParameterList(",
    "            torch.randn(bonds[k], *sites[k], bonds[k + 1]) * deviations[k] for k in range(5)",
    "        )",
    "",
    "    def forward(self, _):",
    "        made = self.tensors[0]",
    "        for tensor in self.tensors[1:]:",
    '            made = torch.einsum("aijb,bklc->aikjlc", made, tensor).flatten(3, 4).flatten(1, 2)',
    "        return made[0, :, :, 0]",
  ]),
  uses: [sitesHelper],
});

type ProductSettings = Readonly<{ rank?: number | undefined; center: "shared" | "individual" }>;

export function mpoInPyTorch({ rank, center }: ProductSettings): SourceForm {
  const isShared = center === "shared";
  return {
    lines: [
      isShared && "        centers = {}  # the central tensors, the same in every repetition of a block",
      "        for matrix in matrices(self):",
      "            if matrix.deviation is not None:",
      `                chain = TensorChain(matrix${rank === undefined ? "" : `, rank=${rank}`})`,
      isShared && ["                chain.tensors[2] = centers.setdefault(matrix.kind, chain.tensors[2])"],
      "                matrix.replace(chain)",
    ],
    uses: [matricesHelper, productHelper(rank !== undefined)],
    members: [0, 1, 2, 3, 4].map((k) => `tensors.${k}`),
  };
}
