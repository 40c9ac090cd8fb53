// An architecture as one readable file of Python for PyTorch, which trains or loads weights by itself, and what it calls
// every parameter. Knows no primitive and no run.
import { RequestError } from "../../errors.ts";
import { linearHelper, python, pythonNumber } from "../../nn/pytorch/form.ts";
import type { PyTorchName } from "../../nn/pytorch/names.ts";
import { packageVersion } from "../../version.ts";
import type { Architecture } from "../schema.ts";
import { blocksOf, printStripe, stripeModules } from "../stripe.ts";
import { blockClass, formOf } from "./block.ts";
import { PythonClasses } from "./classes.ts";
import { inputName, modelClass, sinusoidsHelper } from "./model.ts";
import { pytorchParameters, sharedModules } from "./parameters.ts";

/** The text of a file, and what it calls the parameters. */
export interface PyTorchFile {
  readonly text: string;
  /** By the names that Scantling stores them under. */
  readonly parameters: ReadonlyMap<string, PyTorchName>;
}

/**
 * `Model` in the file maps token ids [B, T] (or numbers [B, T, N]) to logits [B, T, V] as `forward` does, [B, V] where the
 * architecture has one answer for a sequence. Its `load(path)` reads weights from a safetensors file, run as a program it
 * trains a few steps.
 * Errors: RequestError for a primitive without a PyTorch form, and for loops, paths and sources other than `share`.
 */
export function pytorchFile(architecture: Architecture): PyTorchFile {
  refuse(architecture);
  const blocks = blocksOf(architecture);
  const pattern = printStripe(architecture);
  const classes = new PythonClasses();
  const places = new Map(blocks.map((block) => [block.path.replace(/\.\d+$/, ""), block.places]));
  const modules = blocks.reduce((sum, block) => sum + block.places.length, 0);
  if (architecture.decoder !== null) classes.use(sinusoidsHelper);
  classes.use(linearHelper);
  const names = { first: "First", block: "Block", last: "Last" };
  const printed = Object.entries(names).flatMap(([path, name]) => {
    const own = places.get(path);
    return own === undefined ? [] : [blockClass(name, own, architecture, modules, classes)];
  });
  const model = modelClass(architecture, pattern, {
    hasFirst: places.has("first"),
    hasLast: places.has("last"),
    sizes: { first: places.get("first")?.length ?? 0, stripe: places.get("block")!.length },
    shared: sharedModules(architecture),
  });
  const body = [...classes.texts(), ...printed, model].join("\n\n\n");
  const program = [reader, loader, ...programTexts(architecture, body.includes("self.loss"))].join("\n\n\n");
  const text = `${[heading(architecture, pattern, `${body}${program}`), body, program].join("\n\n\n")}\n`;
  const parameters = pytorchParameters(architecture, (path, place) => {
    const block = places.get(path.replace(/\.\d+$/, ""))!;
    return formOf(block.find(({ name }) => name === place)!.module).modules ?? [];
  });
  return { text, parameters };
}

function refuse({ loop, paths }: Architecture): void {
  const setting = loop !== null ? "loop" : paths !== null ? "paths" : undefined;
  if (setting === undefined) return;
  throw new RequestError(
    `export: the architecture has ${setting}, which the PyTorch file has no form for; leave it out, or export --to onnx`,
  );
}

function heading(architecture: Architecture, pattern: string, rest: string): string {
  const { vocabulary, length, width, standardDeviation, dropout, stochasticDepth } = architecture;
  const isUsed = (name: string) => new RegExp(`\\b${name}\\b`).test(rest);
  return python([
    '"""',
    `A model of Scantling ${packageVersion()} for PyTorch 2.4 or later: ${pattern.replace(/["\\]/g, "'")}, width ${width}.`,
    "",
    '    model = load("model.safetensors")  # or Model(), to train it from the beginning',
    `    logits = model(${inputName(architecture)})`,
    '"""',
    "",
    "import json",
    isUsed("math") && "import math",
    "import sys",
    "",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import nn",
    "",
    `VOCABULARY = ${vocabulary}`,
    `LENGTH = ${length}  # of the longest sequence`,
    `WIDTH = ${width}`,
    isUsed("DEVIATION") && `DEVIATION = ${pythonNumber(standardDeviation)}  # of matrices at the start`,
    isUsed("DROPOUT") && `DROPOUT = ${pythonNumber(dropout)}`,
    isUsed("STOCHASTIC_DEPTH") && `STOCHASTIC_DEPTH = ${pythonNumber(stochasticDepth)}`,
  ]);
}

const reader = `def read_safetensors(path):
    """The float32 tensors of a safetensors file, by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin)
        tensors[name] = flat.view(entry["shape"])
    return tensors`;

const loader = `def load(path):
    """The model with the weights of a safetensors file."""
    model, weights = Model(), read_safetensors(path)
    parameters = dict(model.named_parameters())
    if parameters.keys() != weights.keys():
        raise ValueError(f"{path}: not the weights of this model: {parameters.keys() ^ weights.keys()}")
    for name, parameter in parameters.items():
        if parameter.shape != weights[name].shape:
            raise ValueError(f"{path}: {name} is {list(weights[name].shape)}; expected {list(parameter.shape)}")
        parameter.data.copy_(weights[name])
    return model`;

/** How its loss is computed, and a program that shows that it trains. */
function programTexts(architecture: Architecture, hasLosses: boolean): string[] {
  const { inputs, pool, decoder } = architecture;
  const isPlain = pool === null || decoder !== null;
  const isCausal = stripeModules(architecture).every(({ causal }) => causal);
  const isText = inputs === null && isPlain && isCausal;
  const name = inputName(architecture);
  return [
    python([
      `def loss_of(model, ${name}, targets):`,
      '    """Cross-entropy in nats, the mean over all answers."""',
      `    logits = model(${name})`,
      hasLosses
        ? [
            "    loss = F.cross_entropy(logits.flatten(0, -2), targets.flatten())",
            '    return loss + sum(module.loss for module in model.modules() if hasattr(module, "loss"))',
          ]
        : "    return F.cross_entropy(logits.flatten(0, -2), targets.flatten())",
    ]),
    python([
      "def main():",
      '    """Shows that it runs: learns a batch of random tokens by heart. Weights may be given as an argument."""',
      "    torch.manual_seed(0)",
      "    model = load(sys.argv[1]) if len(sys.argv) > 1 else Model()",
      "    length = min(LENGTH, 32)",
      isText
        ? [
            "    data = torch.randint(VOCABULARY, (2, length + 1))",
            "    tokens, targets = data[:, :-1], data[:, 1:]",
          ]
        : [
            inputs === null
              ? "    tokens = torch.randint(VOCABULARY, (2, length))"
              : `    inputs = torch.randn(2, length, ${inputs})`,
            `    targets = torch.randint(VOCABULARY, (2${isPlain ? ", length" : ","}))`,
          ],
      '    print(f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters")',
      `    print("logits", list(model(${name}).shape))`,
      "    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)",
      "    for step in range(10):",
      `        loss = loss_of(model, ${name}, targets)`,
      "        optimizer.zero_grad()",
      "        loss.backward()",
      "        optimizer.step()",
      '        print(f"step {step}: loss {loss.item():.4f}")',
    ]),
    'if __name__ == "__main__":\n    main()',
  ];
}
