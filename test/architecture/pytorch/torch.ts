// Runs PyTorch files in the Python that SCANTLING_PYTHON names: a command whose Python has PyTorch 2.4 or later.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "../../../src/architecture/architecture.ts";
import { forward, inputType } from "../../../src/architecture/forward.ts";
import { pytorchFile } from "../../../src/architecture/pytorch/file.ts";
import { initialValues } from "../../../src/nn/initialize.ts";
import { inputSource } from "../../../src/nn/parameters.ts";
import { evaluate, input, type NdArray, type Tensor } from "../../../src/tensor/index.ts";
import { type ExportedModel, safetensorsFile } from "../../../src/train/exportModel.ts";
import { generator, uniformValue, wholeValue } from "../../tensor/harness.ts";

/** Undefined: tests that need PyTorch are skipped. */
export const torch = process.env.SCANTLING_PYTHON;

/** A model whose weights are all random: constants at the start would hide where they are applied. */
export function randomModel(architecture: Architecture, seed = 1): ExportedModel {
  const source = inputSource();
  const { shape, dtype } = inputType(architecture, 1, architecture.length);
  forward(architecture, source, input("tokens", shape, dtype));
  const random = generator(seed);
  const weights = [...source.declared].map(([name, declaration]) => {
    const values = Float32Array.from(initialValues(name, declaration, seed));
    if (["constant", "values"].includes(declaration.initializer.kind)) {
      values.forEach((value, i) => {
        values[i] = value + (random() - 0.5) / 2;
      });
    }
    return [name, { shape: declaration.shape, values }] as const;
  });
  return { architecture, tokenizer: null, step: 0, weights: new Map(weights) };
}

/** What one model is asked: two sequences and an answer for each place; logits and loss as Scantling has them in float64. */
export interface Question {
  readonly input: NdArray;
  readonly targets: readonly number[];
  readonly logits: readonly number[];
  readonly loss: number;
}

export function ask({ architecture, weights }: ExportedModel, length = architecture.length): Question {
  const { shape, dtype } = inputType(architecture, 2, length);
  const random = generator(5);
  const tokens =
    dtype === "i32" ? wholeValue(random, shape, 0, architecture.vocabulary) : uniformValue(random, shape);
  const bound: Record<string, NdArray> = { tokens };
  for (const [name, { shape, values }] of weights) bound[name] = { shape, data: Float64Array.from(values) };
  const losses: Tensor[] = [];
  const logits = forward(architecture, inputSource(), input("tokens", shape, dtype), {
    loss: (_, value) => losses.push(value),
  });
  const [found, ...added] = evaluate([logits, ...losses], bound);
  const { vocabulary } = architecture;
  const rows = Array.from({ length: found!.data.length / vocabulary }, (_, row) =>
    Array.from(found!.data.slice(row * vocabulary, (row + 1) * vocabulary)),
  );
  const targets = rows.map(() => Math.floor(random() * vocabulary));
  const crossEntropy = rows.map((row, i) => {
    const top = Math.max(...row);
    return top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) - row[targets[i]!]!;
  });
  const loss = crossEntropy.reduce((sum, x) => sum + x, 0) / rows.length;
  return {
    input: tokens,
    targets,
    logits: rows.flat(),
    loss: added.reduce((sum, { data }) => sum + data[0]!, loss),
  };
}

/** Writes a model's two files into a folder, and its question. */
export function writeCase(folder: string, name: string, model: ExportedModel, question: Question): void {
  const { text, parameters } = pytorchFile(model.architecture);
  writeFileSync(join(folder, `${name}.py`), text);
  writeFileSync(join(folder, `${name}.safetensors`), Buffer.concat(safetensorsFile(model, parameters)));
  const { input, targets } = question;
  const asked = { shape: input.shape, values: Array.from(input.data), targets };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(asked));
}

/** What PyTorch made of a case. */
export interface Answer {
  readonly logits: readonly number[];
  readonly loss: number;
  /** Of the loaded model, and of one that began by itself, before each of a few updates and after them. */
  readonly losses: { readonly loaded: readonly number[]; readonly fresh: readonly number[] };
  /** Parameters of the loaded model that the loss has no gradient of. */
  readonly idle: readonly string[];
  /** Mean and standard deviation of each parameter of a model that began by itself. */
  readonly start: Readonly<Record<string, readonly [mean: number, deviation: number]>>;
}

const runner = `
import importlib.util, json, os, sys
import torch

torch.set_num_threads(1)

def train(module, model, x, targets):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = module.loss_of(model, x, targets)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses

folder, *names = sys.argv[1:]
answers = {}
for name in names:
    try:
        spec = importlib.util.spec_from_file_location(name.replace("-", "_"), os.path.join(folder, name + ".py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        torch.manual_seed(1)
        with open(os.path.join(folder, name + ".json")) as file:
            question = json.load(file)
        x = torch.tensor(question["values"]).view(question["shape"])
        x = x.long() if x.dim() == 2 else x
        model = module.load(os.path.join(folder, name + ".safetensors")).eval()
        with torch.no_grad():
            logits = model(x)
            targets = torch.tensor(question["targets"]).view(logits.shape[:-1])
            loss = module.loss_of(model, x, targets).item()
        fresh = module.Model()
        start = {key: [p.mean().item(), p.std(unbiased=False).item()] for key, p in fresh.named_parameters()}
        losses = {"loaded": train(module, model, x, targets), "fresh": train(module, fresh, x, targets)}
        idle = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        answers[name] = {"logits": logits.flatten().tolist(), "loss": loss, "losses": losses, "idle": idle, "start": start}
    except Exception as error:
        answers[name] = {"error": f"{type(error).__name__}: {error}"}
with open(os.path.join(folder, "answers.json"), "w") as file:
    json.dump(answers, file)
`;

/** Asks PyTorch all cases in one process. */
export function answers(folder: string, names: readonly string[]): Map<string, Answer | { error: string }> {
  const program = join(folder, "runner.py");
  writeFileSync(program, runner);
  execFileSync(torch!, [program, folder, ...names], { stdio: ["ignore", "ignore", "pipe"] });
  const found = JSON.parse(readFileSync(join(folder, "answers.json"), "utf8")) as Record<
    string,
    Answer | { error: string }
  >;
  return new Map(Object.entries(found));
}
