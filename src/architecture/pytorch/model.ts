// The whole model as a class of PyTorch: the embedding, its blocks in order, and the head. Knows no primitive.
import { type Lines, type PythonHelper, python, pythonNumber } from "../../nn/pytorch/form.ts";
import { normModule } from "../../nn/pytorch/norm.ts";
import { timesOf } from "../loop.ts";
import type { Architecture } from "../schema.ts";
import { placesOf } from "../stripe.ts";
import { isNumbered } from "./block.ts";

export const sinusoidsHelper: PythonHelper = {
  name: "sinusoids",
  text: `def sinusoids(length, width):
    """Sines, then cosines, of place * 10000^(-i / (D/2 - 1)), [T, D]; zero where D is odd and neither is left."""
    half = width // 2
    slope = -math.log(10000) / (half - 1) if half > 1 else 0.0
    angles = torch.arange(length)[:, None] * torch.exp(slope * torch.arange(half))
    return F.pad(torch.cat((angles.sin(), angles.cos()), dim=1), (0, width - 2 * half))`,
};

/** What is printed of the blocks. */
export interface PrintedBlocks {
  readonly hasFirst: boolean;
  readonly hasLast: boolean;
  /** Modules of `first` and of one repetition. */
  readonly sizes: { readonly first: number; readonly stripe: number };
  /** Lines of the constructor after the blocks, by which sources share and compute. */
  readonly sources: Lines;
  readonly hasComputed: boolean;
  /** Some modules have something to add to the loss. */
  readonly hasLosses: boolean;
}

/** The text of the class. */
export function modelClass(architecture: Architecture, blocks: PrintedBlocks): string {
  const { inputs, pool, decoder } = architecture;
  const taken = inputs === null ? "Token ids [B, T]" : `Numbers [B, T, ${inputs}]`;
  const given =
    pool === null || decoder !== null ? "[B, T, VOCABULARY]" : "[B, VOCABULARY], one answer a sequence";
  return python([
    "class Model(nn.Module):",
    "    def __init__(self):",
    "        super().__init__()",
    embeddingParts(architecture),
    blockParts(architecture, blocks),
    blocks.sources,
    headParts(architecture),
    "",
    blocks.hasComputed &&
      "    @parametrize.cached()  # each matrix is computed once, however often it is read",
    `    def forward(self, ${inputName(architecture)}):`,
    `        """${taken} -> logits ${given}, before the softmax."""`,
    blocks.hasLosses && [
      "        for module in self.modules():",
      '            if hasattr(module, "loss"):',
      "                module.loss = 0.0",
    ],
    embeddingSteps(architecture),
    blocks.hasFirst && "        x = self.first(x)",
    applications(architecture),
    blocks.hasLast && "        x = self.last(x)",
    headSteps(architecture),
  ]);
}

function applications(architecture: Architecture): string[] {
  const times = timesOf(architecture);
  const isCounted = isNumbered(architecture);
  if (times === 1) return ["        for block in self.blocks:", "            x = block(x)"];
  return [
    "        for block in self.blocks:",
    `            for ${isCounted ? "repetition" : "_"} in range(${times}):`,
    `                x = block(x${isCounted ? ", repetition" : ""})`,
  ];
}

export const inputName = ({ inputs }: Architecture): string => (inputs === null ? "tokens" : "inputs");

const normal = (name: string) => `        nn.init.normal_(self.${name}, std=DEVIATION)`;

function drawn(name: string, shape: string): string {
  return `        self.${name} = nn.Parameter(torch.randn(${shape}) * DEVIATION)`;
}

function embeddingParts(architecture: Architecture): string[] {
  const { inputs, embeddingWidth, embeddingNorm, classToken, tokenTypes, positions } = architecture;
  const width = embeddingWidth === null ? "WIDTH" : `${embeddingWidth}`;
  const { norm, normEpsilon } = architecture;
  const places = classToken === null ? "LENGTH" : `LENGTH + ${placesOf(architecture) - architecture.length}`;
  return [
    ...(inputs === null
      ? [`        self.tokens = nn.Embedding(VOCABULARY, ${width})`, normal("tokens.weight")]
      : [`        self.embedding = linear(${inputs}, WIDTH, bias=True)`]),
    ...(classToken === "learned" ? [drawn("class_token", width)] : []),
    ...(positions === "learned" ? [drawn("positions", `${places}, ${width}`)] : []),
    ...(tokenTypes === null ? [] : [drawn("token_types", `${tokenTypes}, ${width}`)]),
    ...(embeddingNorm && norm !== "none"
      ? [`        self.embedding_norm = ${normModule(norm, width, normEpsilon)}`]
      : []),
    ...(embeddingWidth === null ? [] : [`        self.embedding_map = linear(${width}, WIDTH, bias=True)`]),
  ];
}

function blockParts(architecture: Architecture, { hasFirst, hasLast, sizes }: PrintedBlocks): Lines {
  const { repeat, stochasticDepth } = architecture;
  const isCounted = stochasticDepth > 0;
  const each = sizes.stripe * timesOf(architecture);
  const before = [...(sizes.first > 0 ? [`${sizes.first}`] : []), `${each} * i`].join(" + ");
  return [
    hasFirst && `        self.first = First(${isCounted ? "before=0" : ""})`,
    `        self.blocks = nn.ModuleList(Block(${isCounted ? `before=${before}` : ""}) for ${isCounted ? "i" : "_"} in range(${repeat}))`,
    hasLast && `        self.last = Last(${isCounted ? `before=${sizes.first + each * repeat}` : ""})`,
  ];
}

function headParts(architecture: Architecture): string[] {
  const { block, norm, normEpsilon, decoder, representation, tie, headBias } = architecture;
  return [
    ...(decoder === null
      ? []
      : ["first", "second"].flatMap((layer) => [
          ...(norm === "none"
            ? []
            : [`        self.decoder_${layer}_norm = ${normModule(norm, "WIDTH", normEpsilon)}`]),
          `        self.decoder_${layer} = linear(WIDTH, WIDTH, bias=True)`,
        ])),
    ...(block === "post" || norm === "none"
      ? []
      : [`        self.norm = ${normModule(norm, "WIDTH", normEpsilon)}`]),
    ...(representation ? ["        self.representation = linear(WIDTH, WIDTH, bias=True)"] : []),
    ...(tie ? [] : [`        self.head = linear(WIDTH, VOCABULARY${headBias ? ", bias=True" : ""})`]),
    ...(tie && headBias ? ["        self.head_bias = nn.Parameter(torch.zeros(VOCABULARY))"] : []),
  ];
}

function embeddingSteps(architecture: Architecture): string[] {
  const { inputs, embeddingWidth, embeddingNorm, classToken, tokenTypes, positions, dropout } = architecture;
  const front = { learned: "self.class_token.expand(len(x), 1, -1)", zero: "torch.zeros_like(x[:, :1])" };
  return [
    inputs === null ? "        x = self.tokens(tokens)" : "        x = self.embedding(inputs)",
    ...(classToken === null ? [] : [`        x = torch.cat((${front[classToken]}, x), dim=1)`]),
    ...(positions === "learned" ? ["        x = x + self.positions[: x.shape[1]]"] : []),
    ...(tokenTypes === null ? [] : ["        x = x + self.token_types[0]"]),
    ...(embeddingNorm ? ["        x = self.embedding_norm(x)"] : []),
    ...(embeddingWidth === null ? [] : ["        x = self.embedding_map(x)"]),
    ...(dropout === 0 ? [] : ["        x = F.dropout(x, DROPOUT, self.training)"]),
  ];
}

function headSteps(architecture: Architecture): string[] {
  const { block, norm, pool, decoder, representation, tie, headBias, logitScale, embeddingWidth } =
    architecture;
  const normed = block === "post" || norm === "none" ? [] : ["        x = self.norm(x)"];
  const pooled = (keep: boolean) => {
    switch (pool) {
      case null:
        return [];
      case "class":
        return [`        x = x[:, ${keep ? ":1" : "0"}]`];
      case "last":
        return [`        x = x[:, ${keep ? "-1:" : "-1"}]`];
      case "average":
        return [`        x = x.mean(1${keep ? ", keepdim=True" : ""})`];
    }
  };
  const decoded = ["first", "second"].map((layer) =>
    norm === "none"
      ? `        x = F.gelu(self.decoder_${layer}(x))`
      : `        x = F.gelu(self.decoder_${layer}(self.decoder_${layer}_norm(x)))`,
  );
  const read =
    decoder !== null
      ? [
          ...pooled(true),
          `        x = x + sinusoids(${inputName(architecture)}.shape[1], WIDTH).to(x)`,
          ...decoded,
          ...normed,
        ]
      : pool === "average"
        ? [...normed, ...pooled(false)]
        : [...pooled(false), ...normed];
  const scale = logitScale === undefined ? "" : `${pythonNumber(logitScale)} * `;
  const bias = headBias ? ", self.head_bias" : "";
  return [
    ...read,
    ...(representation ? ["        x = torch.tanh(self.representation(x))"] : []),
    ...(tie && embeddingWidth !== null ? ["        x = x @ self.embedding_map.weight"] : []),
    `        return ${scale}${tie ? `F.linear(x, self.tokens.weight${bias})` : "self.head(x)"}`,
  ];
}
