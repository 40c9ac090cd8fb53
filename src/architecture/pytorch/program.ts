// What a PyTorch file has besides its model: how weights are read, how the loss is computed, and a program that shows that it
// trains. Knows no primitive.
import { python } from "../../nn/pytorch/form.ts";
import type { Architecture } from "../schema.ts";
import { stripeModules } from "../stripe.ts";
import { inputName } from "./model.ts";

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

/** The functions in order. `hasLosses`: some modules have something to add to the loss. */
export function programTexts(architecture: Architecture, hasLosses: boolean): string[] {
  const { inputs, pool, decoder } = architecture;
  const isPlain = pool === null || decoder !== null;
  const isCausal = stripeModules(architecture).every(({ causal }) => causal);
  const isText = inputs === null && isPlain && isCausal;
  const name = inputName(architecture);
  return [
    reader,
    loader,
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
