// Cuts a sequence of steps into stages. Steps whose rows correspond run one after the other on the same group of rows,
// so that what they hand to each other is still in cache, and needs memory for one group only where nobody else reads it.
import {
  type Buffer,
  dtypeBytes,
  type GroupStep,
  type Kernels,
  memoryOf,
  type PrepareStep,
  type RowView,
  type Stage,
  type Step,
  stepViews,
  type View,
} from "./plan.ts";
import { greatestCommonDivisor, isWhole, runsOf } from "./rows.ts";

/** Fewer groups than this would leave cores idle. */
const FEWEST_GROUPS = 16;
/** Rows of a group should fill the kernels and still fit, with their intermediates, into a core's cache. */
const GROUP_BYTES = 512 * 1024;
const ROWS_WORTH_SHARING = 64;
/** Bytes that steps put off until the end of a stage may keep alive. */
const PENDING_BYTES = 48 * 2 ** 20;
const LONGEST_STAGE = 64;
/** Column sums of a step that runs alone: so many elements make a partial sum worth its row, up to so many of them. */
const PARTIAL_ELEMENTS = 16384;
const MOST_PARTIALS = 64;

/** What `cut` needs beyond the steps: whom buffers outlive, and where new ones come from. */
export interface StageContext {
  readonly kernels: Kernels;
  newBuffer(elements: number): Buffer;
  /** Whether a buffer is unknown outside these steps. */
  isOwn(buffer: Buffer): boolean;
  /** Whether these steps are repeated in a loop that leaves the view's elements as they are. */
  isFixed(view: View): boolean;
  /** Takes a preparation of what is fixed to before that loop. */
  hoist(step: PrepareStep): void;
}

interface Chain {
  readonly steps: Step[];
  /** What it reads, and into how many aligned parts all readings cut it. */
  readonly reads: Map<Buffer, number>;
  readonly written: Set<Buffer>;
  rows: number;
}

export function cutStages(steps: readonly Step[], context: StageContext): Stage[] {
  const stages: Stage[] = [];
  const queue: Queue = { steps: [...steps], head: 0, views: new Map() };
  while (queue.head < queue.steps.length) {
    const chain = longestChain(queue, context);
    if (chain === undefined) emitSingle(stages, queue.steps[queue.head++]!, context);
    else emitChain(stages, chain, context);
  }
  for (const buffer of findLocals(stages)) if (context.isOwn(buffer)) buffer.home = "local";
  return stages;
}

type Views = ReturnType<typeof stepViews>;

interface Queue {
  readonly steps: Step[];
  head: number;
  readonly views: Map<Step, Views>;
}

function viewsOf(queue: Queue, step: Step): Views {
  let views = queue.views.get(step);
  if (views === undefined) {
    views = stepViews(step);
    queue.views.set(step, views);
  }
  return views;
}

/** Takes from the queue the steps that form one stage; those that cannot join, and nobody in it needs, stay in front. */
function longestChain(queue: Queue, context: StageContext): Chain | undefined {
  const first = queue.steps[queue.head]!;
  const rows = chainRows(first, context);
  if (rows === undefined || rows < FEWEST_GROUPS) return undefined;
  const chain: Chain = { steps: [], reads: new Map(), written: new Set(), rows };
  add(chain, first, rows, viewsOf(queue, first));
  const pending: Step[] = [];
  const pendingWrites = new Set<Buffer>();
  const pendingReads = new Set<Buffer>();
  let pendingBytes = 0;
  let at = queue.head + 1;
  while (at < queue.steps.length && chain.steps.length < LONGEST_STAGE && pending.length < LONGEST_STAGE) {
    const step = queue.steps[at++]!;
    const { reads, writes } = viewsOf(queue, step);
    const waits =
      reads.some((view) => pendingWrites.has(memoryOf(view.buffer))) ||
      writes.some(
        (view) => pendingWrites.has(memoryOf(view.buffer)) || pendingReads.has(memoryOf(view.buffer)),
      );
    const own = waits ? undefined : chainRows(step, context);
    if (own !== undefined && joins(chain, step, own, { reads, writes })) {
      add(chain, step, own, { reads, writes });
      continue;
    }
    pending.push(step);
    for (const view of writes) pendingWrites.add(memoryOf(view.buffer));
    for (const view of reads) {
      pendingReads.add(memoryOf(view.buffer));
      if (chain.written.has(memoryOf(view.buffer))) pendingBytes += view.buffer.elements * 4;
    }
    if (pendingBytes > PENDING_BYTES || step.kind === "loop") break;
  }
  queue.head = at - pending.length;
  pending.forEach((step, i) => {
    queue.steps[queue.head + i] = step;
  });
  return chain;
}

function add(chain: Chain, step: Step, rows: number, { reads, writes }: Views): void {
  chain.steps.push(step);
  chain.rows = greatestCommonDivisor(chain.rows, rows);
  for (const view of reads) {
    const memory = memoryOf(view.buffer);
    const common = greatestCommonDivisor(chain.reads.get(memory) ?? 0, alignment(view, step));
    chain.reads.set(memory, common);
  }
  for (const view of writes) chain.written.add(memoryOf(view.buffer));
}

function joins(chain: Chain, step: Step, rows: number, { reads, writes }: Views): boolean {
  const common = greatestCommonDivisor(chain.rows, rows);
  if (common < FEWEST_GROUPS) return false;
  // What the chain wrote may be read only row by row; what it read may be overwritten only row by row.
  for (const view of reads) {
    if (chain.written.has(memoryOf(view.buffer)) && alignment(view, step) % common !== 0) return false;
  }
  return writes.every((view) => (chain.reads.get(memoryOf(view.buffer)) ?? 0) % common === 0);
}

/** Into how many equal parts of consecutive rows a step can be cut, with its outputs cut alike; undefined: not at all. */
function chainRows(step: Step, context: StageContext): number | undefined {
  let rows: number | undefined;
  switch (step.kind) {
    case "group":
      rows = step.rows;
      break;
    case "contract": {
      const batch = step.output.shape.slice(0, -2).reduce((a, b) => a * b, 1);
      if (batch > 1) rows = leadingRows(step.output);
      else {
        rows = step.output.shape.at(-2)!;
        // Few rows against a long sum (a weight's gradient) are not rows of the data.
        const sum = step.a.shape.at(-1)!;
        if (sum > 4 * rows && sum > 1024) return undefined;
      }
      break;
    }
    case "kernel":
      rows = context.kernels.rows(step);
      break;
    case "prepare":
    case "reduce":
    case "loop":
      return undefined;
  }
  if (rows === undefined || rows < 2) return undefined;
  let common = rows;
  const partials = step.kind === "group" ? step.partials.map(({ partial }) => partial.buffer) : [];
  for (const view of stepViews(step).writes) {
    if (!partials.includes(view.buffer)) common = greatestCommonDivisor(common, alignment(view, step));
  }
  return common < 2 ? undefined : common;
}

function leadingRows(view: View): number {
  const axis = view.shape.findIndex((size) => size > 1);
  return axis < 0 ? 1 : view.shape[axis]!;
}

/** Into how many equal leading parts the view cuts its buffer in step with its own leading axis; 1: not at all. */
function alignment(view: View | RowView, step: Step): number {
  const memory = view.buffer;
  if (isShared(view, step)) return 1;
  if ("axes" in view) {
    const length = step.kind === "group" ? step.length : 1;
    const outer = view.axes.at(-1);
    if (outer === undefined || outer.stride * outer.size !== memory.elements) return 1;
    let reach = view.offset;
    let least = view.offset;
    const extend = (extent: number) => {
      if (extent > 0) reach += extent;
      else least += extent;
    };
    for (const axis of view.axes.slice(0, -1)) extend((axis.size - 1) * axis.stride);
    extend((length - 1) * view.columnStride);
    return least >= 0 && reach < outer.stride ? outer.size : 1;
  }
  const runs = runsOf(view);
  const outer = runs[0];
  if (outer === undefined || outer.stride <= 0 || outer.stride * outer.size !== memory.elements)
    return isWhole(view) ? view.buffer.elements : 1;
  let reach = view.offset;
  for (const run of runs.slice(1)) {
    if (run.stride < 0) return 1;
    reach += (run.size - 1) * run.stride;
  }
  return reach < outer.stride ? outer.size : 1;
}

/** Whether every row of the step reads all of the view: the right side of a single product, a table, what an op shares. */
function isShared(view: View | RowView, step: Step): boolean {
  if (step.kind === "contract") {
    if (view.buffer === step.prepared) return true;
    return view === step.b && step.output.shape.slice(0, -2).every((size) => size === 1);
  }
  if (step.kind !== "kernel") return false;
  const index = (step.inputs as readonly (View | RowView)[]).indexOf(view);
  return step.node.op.independent?.(step.node).shared.includes(index) ?? false;
}

function emitSingle(stages: Stage[], step: Step, context: StageContext): void {
  if (step.kind === "contract") prepare(stages, step, 1, context);
  let groups: number | undefined;
  if (step.kind === "group" && step.partials.length > 0) {
    const wanted = Math.min(MOST_PARTIALS, Math.ceil((step.rows * step.length) / PARTIAL_ELEMENTS));
    groups = Math.ceil(step.rows / Math.max(1, Math.ceil(step.rows / wanted)));
    setPartials(step, groups);
  }
  stages.push({ groups, steps: [step] });
}

function emitChain(stages: Stage[], chain: Chain, context: StageContext): void {
  if (chain.steps.length === 1) {
    emitSingle(stages, chain.steps[0]!, context);
    return;
  }
  const groups = chooseGroups(chain);
  for (const step of chain.steps) {
    if (step.kind === "contract") prepare(stages, step, groups, context);
    if (step.kind === "group") setPartials(step, groups);
  }
  stages.push({ groups, steps: chain.steps });
}

function setPartials({ partials }: GroupStep, groups: number): void {
  for (const { partial } of partials) {
    partial.groups = groups;
    partial.buffer.elements = groups * partial.width;
  }
}

function prepare(
  stages: Stage[],
  step: Extract<Step, { kind: "contract" }>,
  groups: number,
  context: StageContext,
): void {
  const repeated = context.isFixed(step.b);
  const elements = context.kernels.preparedElements(step, groups, repeated);
  if (elements === undefined) return;
  const output = context.newBuffer(elements);
  const preparation: PrepareStep = { kind: "prepare", b: step.b, output };
  if (repeated) context.hoist(preparation);
  else stages.push({ groups: undefined, steps: [preparation] });
  step.prepared = output;
}

/** Depends on shapes alone, since partial sums do. */
function chooseGroups(chain: Chain): number {
  const bytes = [...chain.written].reduce((total, buffer) => total + buffer.elements * 4, 0);
  const widest = Math.max(
    ...chain.steps.map((step) => (step.kind === "contract" ? step.output.shape.at(-2)! : chain.rows)),
  );
  const wanted = Math.max(
    FEWEST_GROUPS,
    Math.min(Math.ceil(bytes / GROUP_BYTES), Math.ceil(widest / ROWS_WORTH_SHARING)),
  );
  let best = 1;
  for (let groups = 1; groups <= chain.rows; groups++) {
    if (chain.rows % groups !== 0) continue;
    best = groups;
    if (groups >= wanted) break;
  }
  return best;
}

/** Buffers made and read within one stage of several steps, row by row: each thread needs only a group's worth. */
function findLocals(stages: readonly Stage[]): Buffer[] {
  const uses = new Map<Buffer, Set<Stage>>();
  const whole = new Set<Buffer>();
  const note = (stage: Stage, step: Step, view: View | RowView) => {
    const memory = memoryOf(view.buffer);
    if (memory !== view.buffer || view.steps.length > 0) whole.add(memory);
    if (step.kind === "loop" || stage.groups === undefined || stage.steps.length < 2) whole.add(memory);
    else if (alignment(view, step) % stage.groups !== 0) whole.add(memory);
    // A row's place in a group's worth is a whole number of elements per row.
    else if (step.kind === "group" && memory.elements % step.rows !== 0) whole.add(memory);
    const set = uses.get(memory) ?? new Set();
    uses.set(memory, set.add(stage));
  };
  for (const stage of stages) {
    for (const step of stage.steps) {
      const { reads, writes } = stepViews(step);
      for (const view of [...reads, ...writes]) note(stage, step, view);
    }
  }
  return [...uses]
    .filter(([buffer, set]) => buffer.home === "arena" && set.size === 1 && !whole.has(buffer))
    .map(([buffer]) => buffer);
}

/** Bytes of a buffer in the float layout. */
export function bufferBytes(buffer: Buffer): number {
  return buffer.elements * dtypeBytes(buffer.dtype);
}
