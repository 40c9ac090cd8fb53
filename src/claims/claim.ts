// A claim of a paper or an article as data: what was said and published, and the studies that test it at several scales.
// Runs nothing.
import type { ReportTable } from "../report/document.ts";
import type { TrialInput } from "../trial/input.ts";

/** How large a claim is tested. */
export const scales = ["small", "full"] as const;
/** `small` ends within ten minutes on two cores; `full` is what the claim asks for, hours. */
export type Scale = (typeof scales)[number];

/** What the claim expects of the arms. */
export interface Expectation {
  /** "middle depths beat one layer and sixty-four". */
  readonly text: string;
  /** One of these has to win over each of `than`. */
  readonly better: readonly string[];
  readonly than: readonly string[];
}

/** One study of a claim. */
export interface ClaimStudy {
  /** Where there are several: "standard parametrisation". */
  readonly label: string;
  readonly input: TrialInput;
}

/** A claim. */
export interface Claim {
  readonly name: string;
  readonly title: string;
  /** Who says so, and where. */
  readonly source: string;
  readonly statement: string;
  /** The figures that were published. */
  readonly published: Omit<ReportTable, "kind">;
  /** How ours differs from theirs, and what is doubtful about theirs. */
  readonly caveats: readonly string[];
  readonly expectations: readonly Expectation[];
  readonly studies: Readonly<Record<Scale, readonly ClaimStudy[]>>;
}
