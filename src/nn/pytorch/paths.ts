// Copies of a primitive beside each other in PyTorch.
import type { Paths } from "../paths.ts";
import { type PyTorchForm, python } from "./form.ts";
import { normModule } from "./norm.ts";

/** What stands in the place of the primitive whose form is given. */
export function pathsInPyTorch(form: PyTorchForm, { count, norm }: Paths): PyTorchForm {
  const places = Array.from({ length: count }, (_, path) => `paths.${path}`);
  const isNormed = norm !== "none";
  return {
    name: "Paths",
    makes: form,
    arguments: [...(isNormed ? ["WIDTH"] : []), `count=${count}`],
    hasLoss: form.hasLoss ?? false,
    modules: [
      "pathNorm",
      ...places.flatMap((place) => [place, ...(form.modules ?? []).map((name) => `${place}.${name}`)]),
    ],
    body: python([
      `    """Copies of a module on one input${isNormed ? ", a norm at the end of each" : ""}, added up by learned weights."""`,
      "",
      `    def __init__(self, make, ${isNormed ? "width, " : ""}count):`,
      "        super().__init__()",
      "        self.paths = nn.ModuleList(make() for _ in range(count))",
      isNormed &&
        `        self.path_norm = nn.ModuleList(${normModule(norm, "width")} for _ in range(count))`,
      "        self.path_weights = nn.Parameter(torch.full((count,), count**-0.5))",
      "",
      "    def forward(self, x):",
      isNormed
        ? "        made = [norm(path(x)) for path, norm in zip(self.paths, self.path_norm)]"
        : "        made = [path(x) for path in self.paths]",
      "        return sum(weight * part for weight, part in zip(self.path_weights, made))",
    ]),
  };
}
