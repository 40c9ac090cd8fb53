// A plan: what to run, in which order, on which buffers. Knows no addresses, tile sizes or instruction sets.
import type { ElementwiseName } from "../tensor/ops/elementwise.ts";
import type { DType, Node, Strided } from "../tensor/tensor.ts";

/** A run of elements. `external` ones belong to the caller's store; `local` ones hold one group of rows at a time. */
export interface Buffer {
  readonly id: number;
  elements: number;
  readonly dtype: DType;
  home: "arena" | "local" | "external";
  /** The store's name, for external buffers. */
  readonly name?: string;
  /** Initial values of a literal. */
  readonly literal?: Float64Array;
  /** The buffer whose memory this one uses, element for element. */
  sameAs?: Buffer;
  /** Start in bytes of the 4-byte float layout, within the arena or the thread's local block; set by the allocator. */
  offset: number;
}

/** A strided window on a buffer. `steps[d]` elements are added per iteration of the d-th enclosing loop. */
export interface View extends Strided {
  readonly buffer: Buffer;
  readonly steps: readonly number[];
}

/** A view as rows x length: row r starts at Σ (r / divisor % size) * stride, columns are `columnStride` apart. */
export interface RowView {
  readonly buffer: Buffer;
  readonly steps: readonly number[];
  readonly offset: number;
  readonly axes: readonly { readonly divisor: number; readonly size: number; readonly stride: number }[];
  readonly columnStride: number;
}

export type GroupFunction =
  | ElementwiseName
  | "copy"
  | "rowSum"
  | "rowMaximum"
  | "columnSum"
  | "iota"
  | "random";

/** Operands of group instructions: the result of an earlier instruction, memory, or a number. */
export type GroupOperand =
  | { readonly kind: "result"; readonly instruction: number }
  | { readonly kind: "memory"; readonly memory: number }
  | { readonly kind: "immediate"; readonly value: number };

export interface GroupInstruction {
  readonly name: GroupFunction;
  /** One value per element, or one per row. */
  readonly extent: "tile" | "column";
  /** Dtype of the operands (of the values, for select) and of the result. */
  readonly dtype: DType;
  readonly result: DType;
  readonly operands: readonly GroupOperand[];
  /** iota: elements per step of the counted axis. */
  readonly inner?: number;
  readonly size?: number;
}

export interface GroupMemory {
  readonly view: RowView;
  readonly extent: "tile" | "column";
}

/** A fused group of elementwise work and row reductions over rows x length. */
export interface GroupStep {
  readonly kind: "group";
  readonly rows: number;
  readonly length: number;
  readonly memory: readonly GroupMemory[];
  readonly instructions: readonly GroupInstruction[];
  /** Which instruction's result goes where. */
  readonly stores: readonly { readonly instruction: number; readonly memory: GroupMemory }[];
  /** Column sums: instruction, and the buffer of one partial row per group of rows. */
  readonly partials: readonly { readonly instruction: number; readonly partial: Partial }[];
}

/** Partial column sums: `width` numbers per group of rows; the number of groups is set when stages are cut. */
export interface Partial {
  readonly buffer: Buffer;
  readonly width: number;
  groups: number;
}

/** output = scale · a · b (+ addend); a [N…, M, K], b [N…, K, P]. */
export interface ContractStep {
  readonly kind: "contract";
  readonly a: View;
  readonly b: View;
  readonly addend: View | undefined;
  readonly output: View;
  /** What a `prepare` step made of b, if one did. */
  prepared?: Buffer;
}

/** Rearranges b of a product once for all rows that share it, in whatever way the backend likes. */
export interface PrepareStep {
  readonly kind: "prepare";
  readonly b: View;
  readonly output: Buffer;
}

/** Reduction of the middle axis of a view [A, K, C]; over partials, K is their number of groups. */
export interface ReduceStep {
  readonly kind: "reduce";
  readonly name: "sum" | "maximum";
  readonly input: View;
  readonly partial: Partial | undefined;
  readonly output: View;
}

/** An op the backend has a kernel for. */
export interface KernelStep {
  readonly kind: "kernel";
  readonly node: Node;
  readonly inputs: readonly View[];
  readonly outputs: readonly View[];
}

/** `count` repetitions of stages. */
export interface LoopStep {
  readonly kind: "loop";
  readonly count: number;
  readonly stages: readonly Stage[];
  /** Buffers that keep their contents from one repetition to the next. */
  readonly carried: readonly Buffer[];
}

export type Step = GroupStep | ContractStep | PrepareStep | ReduceStep | KernelStep | LoopStep;

/**
 * Steps run one after the other on each of `groups` groups of rows, by one thread per group; where `groups` is
 * undefined the stage is a single step that its backend may cut as it likes.
 */
export interface Stage {
  readonly groups: number | undefined;
  readonly steps: readonly Step[];
}

export interface Plan {
  readonly stages: readonly Stage[];
  readonly buffers: readonly Buffer[];
  readonly arenaBytes: number;
  readonly localBytes: number;
  /** The caller's values that the plan reads or writes, in binding order. */
  readonly bindings: readonly Buffer[];
}

/** Bytes of one element in the float build. */
export function dtypeBytes(dtype: DType): number {
  switch (dtype) {
    case "f32":
    case "i32":
    case "u32":
      return 4;
    case "f16":
    case "bf16":
      return 2;
    case "bool":
      return 1;
  }
}

/** What a backend tells the compiler about its kernels. */
export interface Kernels {
  /** Whether there is a kernel for this node; otherwise its decomposition is compiled. */
  supports(node: Node): boolean;
  /** Whether the kernel can read input `index` through these strides; otherwise a contiguous copy is made. */
  accepts(node: Node, index: number, view: Strided): boolean;
  /** Into how many equal leading parts a kernel step can be cut so that it runs part by part with its neighbours. */
  rows(step: KernelStep): number | undefined;
  /** The input whose memory the kernel's only output may take, element for element; undefined: none. */
  inPlaceInput(step: KernelStep): number | undefined;
  /**
   * Elements of a rearranged b that makes this product faster when it runs in so many groups of rows; undefined: none.
   * `repeated`: a loop repeats the product with the same b, which is rearranged before it.
   */
  preparedElements(step: ContractStep, groups: number, repeated: boolean): number | undefined;
}

/** The buffer whose memory holds a buffer's elements. */
export function memoryOf(buffer: Buffer): Buffer {
  let current = buffer;
  while (current.sameAs !== undefined) current = current.sameAs;
  return current;
}

/** Every view a step reads and writes. */
export function stepViews(step: Step): { reads: (View | RowView)[]; writes: (View | RowView)[] } {
  switch (step.kind) {
    case "group":
      return {
        reads: step.memory.map((memory) => memory.view),
        writes: [
          ...step.stores.map((store) => store.memory.view),
          ...step.partials.map(({ partial }) => wholeBuffer(partial.buffer)),
        ],
      };
    case "contract":
      return {
        reads: [
          step.a,
          step.prepared ? wholeBuffer(step.prepared) : step.b,
          ...(step.addend ? [step.addend] : []),
        ],
        writes: [step.output],
      };
    case "prepare":
      return { reads: [step.b], writes: [wholeBuffer(step.output)] };
    case "reduce":
      return { reads: [step.input], writes: [step.output] };
    case "kernel":
      return { reads: [...step.inputs], writes: [...step.outputs] };
    case "loop": {
      const all = step.stages.flatMap((stage) => stage.steps.map(stepViews));
      return { reads: all.flatMap((views) => views.reads), writes: all.flatMap((views) => views.writes) };
    }
  }
}

export function wholeBuffer(buffer: Buffer): View {
  return { buffer, steps: [], shape: [buffer.elements], offset: 0, strides: [1] };
}
