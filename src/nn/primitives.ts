// Every primitive there is, by name.
import { attention } from "./attention.ts";
import { geglu, swiglu } from "./gated.ts";
import { gelu, relu, squaredRelu } from "./mlp.ts";
import type { Primitive } from "./primitive.ts";

export const primitives: ReadonlyMap<string, Primitive> = new Map(
  [attention, relu, squaredRelu, gelu, swiglu, geglu].map((primitive) => [primitive.name, primitive]),
);
