// A claim of a paper or an article: what was said and published, and the studies that test it at several scales, of whatever
// kind they are. Runs nothing.
import type { BackendChoice } from "../backend/open.ts";
import type { DataFolders } from "../data/text.ts";
import type { ReportDocument, ReportTable } from "../report/document.ts";
import type { StudyEvent } from "../study/events.ts";
import type { ClaimVerdict } from "./verdict.ts";

/** How large a claim is tested. */
export const scales = ["small", "full"] as const;
/** `small` ends within ten minutes on two cores; `full` is what the claim asks for, hours. */
export type Scale = (typeof scales)[number];

/** What was said. */
export interface ClaimText {
  readonly name: string;
  readonly title: string;
  /** Who says so, and where. */
  readonly source: string;
  readonly statement: string;
  /** The figures that were published. */
  readonly published: Omit<ReportTable, "kind">;
  /** How ours differs from theirs, and what is doubtful about theirs. */
  readonly caveats: readonly string[];
}

/** A claim. */
export interface Claim extends ClaimText {
  readonly studies: Readonly<Record<Scale, readonly ClaimStudy[]>>;
}

/** One study of a claim. */
export interface ClaimStudy {
  /** Where there are several: "standard parametrisation". */
  readonly label: string;
  /** What its folder in the claim's is called. */
  readonly name: string;
  /** Whether `data` names such data as it is about, as far as names tell. */
  readonly takes: (data: string, dataFolder: DataFolders | undefined) => boolean;
  /** As far as it is known without data or a clock: about so much at most, where the first seed tells rates apart. */
  readonly cost: () => StudyCost;
  /** Looks at the data and at what the folder holds, and trains nothing. Errors: RequestError for all that can be refused. */
  readonly prepare: (options: ClaimStudyOptions) => Promise<PreparedStudy>;
}

/** Runs a study that nothing speaks against. Errors: WorkError as `runStudy`. */
export type PreparedStudy = () => AsyncGenerator<ClaimStudyEvent, void, undefined>;

/** What the runs of a study come to. */
export interface StudyCost {
  readonly runs: number;
  /** Of training. */
  readonly flops: number;
}

/** Where and how a study of a claim is run. */
export interface ClaimStudyOptions {
  /** Its own; a call with the same goes on. */
  readonly folder: string;
  /** Text, or images for studies of images; default: what is built in. */
  readonly data?: string | undefined;
  readonly dataFolder?: DataFolders | undefined;
  /** The first; default 1. */
  readonly seed?: number | undefined;
  /** How many; default the study's own number. With more than before, a folder goes on. */
  readonly seeds?: number | undefined;
  readonly backend?: BackendChoice | undefined;
  /** Runs at a time. */
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
  /** For primitives that have to be registered in the processes of runs. */
  readonly worker?: URL | undefined;
  /** As it is told in reports. */
  readonly command: string;
  readonly signal?: AbortSignal | undefined;
}

/** What is told while a study of a claim goes on. */
export type ClaimStudyEvent =
  | { readonly kind: "study"; readonly event: StudyEvent }
  | { readonly kind: "end"; readonly reason: "done" | "budget" | "interrupted"; readonly studied: Studied };

/** What a study says of its claim, ready to be told. */
export interface Studied {
  readonly verdict: ClaimVerdict;
  /** Whether nothing more is to be run. */
  readonly finished: boolean;
  /** That have ended. */
  readonly runs: number;
  /** What must be known before the first number, a line each; the first says whose the data are. */
  readonly notes: readonly string[];
  /** The numbers in short, a line each. */
  readonly lines: readonly string[];
  readonly verdicts: ReportDocument["verdicts"];
  readonly sections: ReportDocument["sections"];
  /** Everything, as JSON. */
  readonly result: unknown;
}

/** The same with the study's label. */
export interface StudiedClaim extends Studied {
  readonly label: string;
}
