// Whether architectures are compared at equal recurrent state, by the rule of Poli, Thomas et al. 2024: 4096 numbers over the
// mixers of a model of width 128. What grows with the length (attention) is exempt. Knows no task.
import { countedState } from "../architecture/count.ts";
import type { Architecture } from "../architecture/schema.ts";
import { originalWidth } from "./mixers.ts";

/** The rule's sum at width 128. */
const originalState = 4096;

/** The state of an architecture, and how it stands to the rule. */
export interface IsoState {
  /** Numbers of recurrent state over all layers, by the paper's convention, without what grows with the length. */
  readonly recurrent: number;
  /** Numbers that each token adds, as the keys and values of attention. */
  readonly perToken: number;
  /** What the rule asks for at this width: 4096 at 128, in proportion elsewhere. */
  readonly rule: number;
  /** `grows`: some layers are exempt, and the others keep to the rule. */
  readonly verdict: "equal" | "less" | "more" | "grows";
}

/** Reads the architecture's state at two lengths. */
export function isoState(architecture: Architecture): IsoState {
  const { length, width } = architecture;
  const shorter = Math.ceil(length / 2);
  const [here, there] = [length, shorter].map((at) => countedState(architecture, at).byLayer);
  let recurrent = 0;
  let perToken = 0;
  for (const [place, { mad }] of here!.entries()) {
    const other = there![place]!.mad;
    if (other === mad) recurrent += mad;
    else perToken += (mad - other) / (length - shorter);
  }
  const rule = Math.round((originalState * width) / originalWidth);
  const verdict = recurrent > rule ? "more" : perToken > 0 ? "grows" : recurrent === rule ? "equal" : "less";
  return { recurrent, perToken, rule, verdict };
}
