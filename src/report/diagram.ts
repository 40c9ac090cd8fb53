// The block diagram of an architecture, as boxes in a column: as text for a terminal and as SVG. Knows what blocks are,
// not what primitives do.
import { parseHTML } from "linkedom";
import type { Architecture } from "../architecture/architecture.ts";
import { count } from "../architecture/count.ts";
import { timesOf } from "../architecture/loop.ts";
import { printSources } from "../architecture/sources.ts";
import { blocksOf, placesOf, printEntry } from "../architecture/stripe.ts";
import type { Pool } from "../nn/pooling.ts";
import { formatCount } from "./format.ts";

/** One box: what it is, and its parameters: from the fewest to the most that one of the repeated ones has of its own. */
interface Box {
  readonly label: string;
  readonly parameters: readonly [number, number];
}

/** Boxes that follow each other, with a residual path around each or around all of them. */
interface Group {
  readonly boxes: readonly Box[];
  /** How often it stands there, in words; "" for once. */
  readonly beside: string;
  /** Lines of one box stand beside each other on one input. */
  readonly parallel: boolean;
  /** Whether what boxes give is added to what they get. */
  readonly residual: boolean;
  /** What the sum goes through; "" for nothing. */
  readonly after: string;
}

interface Diagram {
  readonly title: string;
  /** Where parameters come from; "" where they are what is stored. */
  readonly sources: string;
  readonly groups: readonly Group[];
}

function diagramOf(architecture: Architecture, name: string): Diagram {
  const { parameters } = count(architecture, Math.min(architecture.length, 2));
  const { block, norm, vocabulary, width, inputs, pool, decoder, representation, tie } = architecture;
  const sizes = new Map<string, number>(Object.entries(parameters.byModule));
  const sizeAt = (module: string) => sizes.get(module) ?? 0;
  const single = (label: string, module: string): Group => ({
    boxes: [{ label, parameters: [sizeAt(module), sizeAt(module)] }],
    beside: "",
    parallel: false,
    residual: false,
    after: "",
  });
  const { paths } = architecture;
  const copies = paths === null ? "" : `${paths.count} paths of `;
  const pathNorm = paths === null || paths.norm === "none" ? "" : ` → ${paths.norm} norms`;
  const normLabel = norm === "none" ? "" : `${norm} norm`;
  const around = (label: string) => {
    if (normLabel === "" || block === "post") return label;
    return block === "none" ? `${label} → ${normLabel}` : `${normLabel} → ${label}`;
  };
  const blocks = blocksOf(architecture);
  const group = (key: "first" | "stripe" | "last"): Group[] => {
    const entries = architecture[key];
    if (entries.length === 0) return [];
    const isRepeated = key === "stripe";
    // Of blocks that are applied several times, the first ones are where the parameters are stored.
    const alike = blocks
      .filter(({ path }) => path === key || (isRepeated && path.startsWith("block.")))
      .slice(0, isRepeated ? architecture.repeat : 1);
    const boxes = entries.map((entry, i): Box => {
      const own = alike.map(({ path, places }) => sizeAt(`${path}.${places[i]!.name}`));
      return {
        label: around(`${copies}${printEntry(entry, architecture)}${pathNorm}`),
        parameters: [Math.min(...own), Math.max(...own)],
      };
    });
    return [
      {
        boxes,
        beside: isRepeated ? timesText(architecture, sizes.get("block.0.between")) : "",
        parallel: block === "parallel",
        residual: block !== "none",
        after: block === "post" ? normLabel : "",
      },
    ];
  };
  const normalized = normLabel === "" || block === "post" ? [] : [single(normLabel, "norm")];
  const pooled = pool === null ? [] : [single(poolLabels[pool], "pooled")];
  const read = pool === "average" ? [...normalized, ...pooled] : [...pooled, ...normalized];
  const between: Group[] =
    decoder === null ? read : [...pooled, single("decoder of every place", "decoder"), ...normalized];
  const head = `head: ${vocabulary} ${inputs === null && pool === null ? "tokens" : "outputs"}${tie ? ", tied" : ""}`;
  return {
    title: `${name}: width ${width}, ${formatCount(parameters.total)} parameters`,
    sources: printSources(architecture.sources),
    groups: [
      single(embeddingLabel(architecture), "embedding"),
      ...group("first"),
      ...group("stripe"),
      ...group("last"),
      ...between,
      ...(representation ? [single("tanh layer", "representation")] : []),
      single(head, "head"),
    ],
  };
}

const poolLabels: Readonly<Record<Pool, string>> = {
  class: "the class token's place",
  average: "average of all places",
  last: "the last place",
};

function embeddingLabel(architecture: Architecture): string {
  const { vocabulary, inputs, positions, embeddingWidth, tokenTypes, classToken } = architecture;
  return [
    inputs === null ? `embedding of ${vocabulary} tokens` : `linear map of ${inputs} numbers`,
    ...(embeddingWidth === null ? [] : [`${embeddingWidth} wide`]),
    ...(classToken === null ? [] : [`${classToken} class token`]),
    ...(positions === "learned" ? [`${placesOf(architecture)} positions`] : []),
    ...(tokenTypes === null ? [] : [`${tokenTypes} token types`]),
    ...(architecture.embeddingNorm ? [`${architecture.norm} norm`] : []),
  ].join(", ");
}

/** How often the stripe stands there and each repetition is applied, with the parameters of the maps between. */
function timesText(architecture: Architecture, mapped: number | undefined): string {
  const { repeat } = architecture;
  const times = timesOf(architecture);
  if (times === 1) return repeat === 1 ? "" : `× ${repeat}`;
  const maps = mapped === undefined ? "" : `, maps between · ${formatCount(mapped)}`;
  return `× ${repeat}, each ${times} times${maps}`;
}

function labelOf({ label, parameters: [fewest, most] }: Box): string {
  if (most === 0) return label;
  return `${label} · ${fewest === most ? "" : `${formatCount(fewest)} to `}${formatCount(most)}`;
}

/** What stands over the boxes. */
function headlines({ title, sources }: Diagram): string[] {
  return sources === "" ? [title] : [title, `parameters through ${sources}`];
}

/** The diagram in box-drawing characters, from input to output; "╭ … ╰ ⊕" is a residual path. One string, many lines. */
export function diagramText(architecture: Architecture, name: string): string {
  const diagram = diagramOf(architecture, name);
  const { groups } = diagram;
  const widest = Math.max(...groups.flatMap(({ boxes }) => boxes.map((box) => labelOf(box).length)));
  const bar = "─".repeat(widest + 2);
  const lines = groups.flatMap(({ boxes, beside, parallel, residual, after }) => {
    const inner = boxes.flatMap((box, i) => {
      const opens = residual && (!parallel || i === 0);
      const closes = residual && (!parallel || i === boxes.length - 1);
      const along = residual ? "│" : " ";
      return [
        `${opens ? "╭" : along} ┌${bar}┐`,
        `${along} │ ${labelOf(box).padEnd(widest)} │`,
        `${along} └${bar}┘`,
        ...(closes ? [after === "" ? "╰─⊕" : `╰─⊕ ${after}`] : []),
      ];
    });
    if (beside === "") return inner.map((line) => `  ${line}`);
    const middle = Math.floor(inner.length / 2);
    const size = widest + 6;
    return inner.map((line, i) => {
      const edge = i === 0 ? "╮" : i === inner.length - 1 ? "╯" : "│";
      return `  ${line.padEnd(size)} ${edge}${i === middle ? ` ${beside}` : ""}`;
    });
  });
  return [...headlines(diagram), ...lines].join("\n");
}

const [BOX_HEIGHT, GAP, LETTER, MARGIN] = [30, 14, 7.3, 24];
const SVG = "http://www.w3.org/2000/svg";

/** The diagram as SVG markup, complete with its own light and dark colours. */
export function diagramSvg(architecture: Architecture, name: string): string {
  const diagram = diagramOf(architecture, name);
  const { title, groups } = diagram;
  const letters = Math.max(...groups.flatMap(({ boxes }) => boxes.map((box) => labelOf(box).length)));
  const boxWidth = Math.ceil(letters * LETTER) + 24;
  const left = MARGIN + 26;
  const centre = left + boxWidth / 2;
  const room = Math.max(90, ...groups.map(({ beside }) => 28 + beside.length * LETTER + MARGIN));
  const total = Math.ceil(
    Math.max(left + boxWidth + room, ...headlines(diagram).map(({ length }) => length * LETTER + 2 * MARGIN)),
  );
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = document.createElementNS(SVG, "svg");
  const draw = (tag: string, attributes: Record<string, string | number>, text?: string) => {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    if (text !== undefined) element.textContent = text;
    svg.appendChild(element);
  };
  draw("title", {}, title);
  draw("style", {}, style);
  let y = MARGIN + 4;
  for (const text of headlines(diagram)) {
    draw("text", { x: MARGIN, y, class: "title" }, text);
    y += 20;
  }
  const line = (from: number, to: number) => draw("path", { d: `M${centre} ${from}V${to}` });
  const box = (of: Box) => {
    draw("rect", { x: left, y, width: boxWidth, height: BOX_HEIGHT, rx: 5 });
    draw("text", { x: centre, y: y + BOX_HEIGHT / 2 + 4, "text-anchor": "middle" }, labelOf(of));
    y += BOX_HEIGHT;
  };
  const sum = (from: number, after: string) => {
    line(y, y + GAP / 2);
    y += GAP / 2 + 7;
    draw("path", { d: `M${centre} ${from}H${left - 14}V${y}H${centre - 7}` });
    draw("circle", { cx: centre, cy: y, r: 7 });
    if (after !== "") draw("text", { x: centre + 16, y: y + 4 }, after);
    draw("path", { d: `M${centre - 7} ${y}h14M${centre} ${y - 7}v14` });
    y += 7;
  };
  groups.forEach(({ boxes, beside, parallel, residual, after }, g) => {
    if (g > 0) {
      line(y, y + GAP);
      y += GAP;
    }
    const top = y;
    let start = y;
    boxes.forEach((of, i) => {
      // Where boxes share an input, the path between them is not theirs.
      if (i > 0 && !parallel) line(y, y + GAP);
      if (i > 0) y += parallel ? 6 : GAP;
      if (!parallel || i === 0) start = y - GAP / 2;
      box(of);
      if (residual && (!parallel || i === boxes.length - 1)) sum(start, after);
    });
    if (beside === "") return;
    const right = left + boxWidth + 12;
    draw("path", { d: `M${right} ${top}h8V${y}h-8`, class: "brace" });
    draw("text", { x: right + 16, y: (top + y) / 2 + 4, class: "title" }, beside);
  });
  const height = y + MARGIN;
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("viewBox", `0 0 ${total} ${height}`);
  svg.setAttribute("width", String(total));
  svg.setAttribute("height", String(height));
  svg.setAttribute("role", "img");
  return svg.outerHTML;
}

const style =
  "text{font:12px ui-monospace,monospace;fill:#1f2328}.title{font-weight:600}" +
  "rect{fill:#eef3fa;stroke:#5b7fb5}path,circle{fill:none;stroke:#5b6b80}" +
  "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#1b2536;stroke:#7ea3d8}path,circle{stroke:#9fb0c6}}";
