// Norms in PyTorch.
import { type NormName, usualEpsilon } from "../norm.ts";
import { pythonNumber } from "./form.ts";

/** What makes a norm over the last `width` features (a number or a name). */
export function normModule(name: Exclude<NormName, "none">, width: string, epsilon = usualEpsilon): string {
  const options = `${width}, eps=${pythonNumber(epsilon)}`;
  switch (name) {
    case "layer":
      return `nn.LayerNorm(${options})`;
    case "layerUnbiased":
      return `nn.LayerNorm(${options}, bias=False)`;
    case "rms":
      return `nn.RMSNorm(${options})`;
  }
}
