// What the C kernels can do, as the compiler asks for it.
import type { Kernels } from "../../compiler/plan.ts";
import { isContiguous } from "../../compiler/rows.ts";
import { kernelEncoder } from "./kernels.ts";
import { preparedElements } from "./product.ts";

/** Ops that the compiler turns into steps by itself. */
const emitted = new Set(["concatenate", "pad", "scan"]);

export const tapeKernels: Kernels = {
  supports: (node) => emitted.has(node.op.name) || kernelEncoder(node) !== undefined,
  accepts: (node, index, view) => isContiguous(view) || (kernelEncoder(node)?.accepts(index, view) ?? false),
  rows: (step) => {
    const encoder = kernelEncoder(step.node);
    return encoder?.rows?.(step);
  },
  inPlaceInput: (step) => kernelEncoder(step.node)?.inPlaceInput,
  preparedElements,
};
