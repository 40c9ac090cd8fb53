// Every primitive there is, by name.
import { attention } from "./attention.ts";
import { deltaNet } from "./deltaNet.ts";
import { geglu, swiglu } from "./gated.ts";
import { gatedDeltaNet } from "./gatedDeltaNet.ts";
import { gatedLinearAttention } from "./gatedLinearAttention.ts";
import { hyena } from "./hyena.ts";
import { hyenaExperts } from "./hyenaExperts.ts";
import { linearAttention } from "./linearAttention.ts";
import { lstm } from "./lstm.ts";
import { mamba } from "./mamba.ts";
import { mamba2 } from "./mamba2.ts";
import { minGru } from "./minGru.ts";
import { gelu, geluExact, relu, squaredRelu } from "./mlp.ts";
import { multiHeadHyena } from "./multiHeadHyena.ts";
import { nonlinearity } from "./nonlinearity.ts";
import type { Primitive } from "./primitive.ts";
import { relativeAttention } from "./relativeAttention.ts";
import { retention } from "./retention.ts";
import { rgLru } from "./rgLru.ts";
import { rwkv4Time } from "./rwkv4Time.ts";
import { rwkv5Time } from "./rwkv5Time.ts";
import { rwkv6Time } from "./rwkv6Time.ts";
import { rwkvChannel } from "./rwkvChannel.ts";

export const primitives: ReadonlyMap<string, Primitive> = new Map(
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
