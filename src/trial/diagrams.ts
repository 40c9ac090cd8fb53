// Block diagrams of arms as a section of a report, one for all arms whose diagrams are equal. Knows no result.
import type { Architecture } from "../architecture/architecture.ts";
import { diagramSvg } from "../report/diagram.ts";
import type { ReportFigure, ReportSection } from "../report/document.ts";
import { shortList } from "../report/format.ts";

/** An arm as it is drawn. */
export interface DrawnArm {
  readonly name: string;
  readonly architecture: Architecture;
}

/** More diagrams than these are folded, each under its name. */
const MOST_OPEN = 4;
/** A longer name would make the picture wider than its boxes, and all letters small. */
const LONGEST_NAME = 20;

/** The diagrams in the order of the arms. */
export function diagramSection(arms: readonly DrawnArm[]): ReportSection {
  const groups = new Map<string, DrawnArm[]>();
  for (const arm of arms) {
    const key = diagramSvg(arm.architecture, "");
    groups.set(key, [...(groups.get(key) ?? []), arm]);
  }
  const figures = [...groups.values()].map(figureOf);
  return {
    heading: "Architectures",
    parts:
      figures.length <= MOST_OPEN
        ? figures
        : figures.map((figure) => ({ kind: "folded", title: figure.title, parts: [figure] })),
  };
}

function figureOf(arms: readonly DrawnArm[]): ReportFigure {
  const [{ name, architecture }] = arms as [DrawnArm];
  const title = shortList(arms.map((arm) => arm.name));
  return {
    kind: "figure",
    title: `Blocks of ${title}`,
    description: `Block diagram from the input at the top to the output, of ${title}; a line beside boxes is a residual path.`,
    ...{ data: "", seeds: "" },
    convention: "parameters of each box; of repeated ones, those of one",
    chart: { kind: "picture", svg: diagramSvg(architecture, shortened(name)) },
  };
}

function shortened(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`;
}
