// Every primitive there is, by name: those of this folder, and those that are registered.
import { RequestError } from "../errors.ts";
import { show } from "../strict.ts";
import { attention } from "./attention.ts";
import { deltaNet } from "./deltaNet.ts";
import { expertChoice } from "./expertChoice.ts";
import { geglu, swiglu } from "./gated.ts";
import { gatedDeltaNet } from "./gatedDeltaNet.ts";
import { gatedLinearAttention } from "./gatedLinearAttention.ts";
import { hyena } from "./hyena.ts";
import { hyenaExperts } from "./hyenaExperts.ts";
import { linearAttention } from "./linearAttention.ts";
import { lstm } from "./lstm.ts";
import { madExperts } from "./madExperts.ts";
import { mamba } from "./mamba.ts";
import { mamba2 } from "./mamba2.ts";
import { minGru } from "./minGru.ts";
import { gelu, geluExact, relu, squaredRelu } from "./mlp.ts";
import { moe } from "./moe.ts";
import { multiHeadHyena } from "./multiHeadHyena.ts";
import { nonlinearity } from "./nonlinearity.ts";
import { isPrimitive, type Primitive } from "./primitive.ts";
import { relativeAttention } from "./relativeAttention.ts";
import { retention } from "./retention.ts";
import { rgLru } from "./rgLru.ts";
import { rwkv4Time } from "./rwkv4Time.ts";
import { rwkv5Time } from "./rwkv5Time.ts";
import { rwkv6Time } from "./rwkv6Time.ts";
import { rwkvChannel } from "./rwkvChannel.ts";

const known = new Map<string, Primitive>(
  [
    attention,
    relativeAttention,
    rwkvChannel,
    rwkv4Time,
    hyenaExperts,
    multiHeadHyena,
    hyena,
    lstm,
    minGru,
    rgLru,
    mamba,
    relu,
    squaredRelu,
    gelu,
    geluExact,
    swiglu,
    geglu,
    moe,
    expertChoice,
    madExperts,
    nonlinearity,
    linearAttention,
    retention,
    mamba2,
    deltaNet,
    gatedDeltaNet,
    gatedLinearAttention,
    rwkv5Time,
    rwkv6Time,
  ].map((primitive) => [primitive.name, primitive]),
);

export const primitives: ReadonlyMap<string, Primitive> = known;

/**
 * Lets architectures use primitives of one's own by their names, from now on and in all of this process. All or none of
 * the list; those that are registered already may be given again.
 * Errors: RequestError for what `definePrimitive` has not made, and for a name that another primitive has.
 */
export function registerPrimitives(list: readonly Primitive[]): void {
  const added = new Map<string, Primitive>();
  for (const [place, primitive] of list.entries()) {
    if (!isPrimitive(primitive)) {
      throw new RequestError(
        `primitives[${place}] is ${show(primitive)}; expected what definePrimitive of this scantling gives`,
      );
    }
    const before = known.get(primitive.name) ?? added.get(primitive.name);
    if (before !== undefined && before !== primitive) {
      throw new RequestError(
        `primitives[${place}]: there is a primitive ${show(primitive.name)} already; give it another name`,
      );
    }
    added.set(primitive.name, primitive);
  }
  for (const [name, primitive] of added) known.set(name, primitive);
}
