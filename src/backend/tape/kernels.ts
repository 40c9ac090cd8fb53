// The ops that have a kernel, by the name that each op declares.
import type { Node } from "../../tensor/tensor.ts";
import { attentionEncoder, attentionGradientEncoder, rotaryEncoder } from "./attentionKernels.ts";
import { headConvolutionEncoder, headConvolutionGradientEncoder } from "./head_convolution.ts";
import {
  cumulativeSumEncoder,
  dynamicSliceEncoder,
  dynamicUpdateEncoder,
  gatherEncoder,
  scatterAddEncoder,
  sortEncoder,
} from "./indexKernels.ts";
import type { KernelEncoder } from "./kernelEncoder.ts";
import { groupedOuterEncoder, groupedProductEncoder, triangularSolveEncoder } from "./matrixKernels.ts";
import { matrixRecurrenceEncoder, matrixRecurrenceGradientEncoder } from "./recurrenceKernels.ts";
import { selectiveScanEncoder, selectiveScanGradientEncoder } from "./selective_scan.ts";
import {
  linearRecurrenceEncoder,
  longConvolutionEncoder,
  longConvolutionGradientEncoder,
  shortConvolutionEncoder,
  shortConvolutionGradientEncoder,
} from "./sequenceKernels.ts";

/** The encoder of a node's kernel, if it has one. */
export function kernelEncoder(node: Node): KernelEncoder | undefined {
  return encoders[node.op.name];
}

const encoders: Readonly<Record<string, KernelEncoder>> = {
  attention: attentionEncoder,
  attentionGradient: attentionGradientEncoder,
  rotary: rotaryEncoder,
  gather: gatherEncoder,
  scatterAdd: scatterAddEncoder,
  sort: sortEncoder,
  cumulativeSum: cumulativeSumEncoder,
  triangularSolve: triangularSolveEncoder,
  groupedProduct: groupedProductEncoder,
  groupedOuter: groupedOuterEncoder,
  longConvolution: longConvolutionEncoder,
  longConvolutionGradient: longConvolutionGradientEncoder,
  headConvolution: headConvolutionEncoder,
  headConvolutionGradient: headConvolutionGradientEncoder,
  shortConvolution: shortConvolutionEncoder,
  shortConvolutionGradient: shortConvolutionGradientEncoder,
  linearRecurrence: linearRecurrenceEncoder,
  dynamicSlice: dynamicSliceEncoder,
  dynamicUpdate: dynamicUpdateEncoder,
  selectiveScan: selectiveScanEncoder,
  selectiveScanGradient: selectiveScanGradientEncoder,
  matrixRecurrence: matrixRecurrenceEncoder,
  matrixRecurrenceGradient: matrixRecurrenceGradientEncoder,
};
