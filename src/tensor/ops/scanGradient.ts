// The gradient of a scan as another scan: the same steps in the opposite order, each differentiated on the carries it
// began with. Those are outputs of the scan, or are computed again here.
import { vectorJacobian } from "../gradient.ts";
import { substitute } from "../substitute.ts";
import { isFloat, type Node, type Tensor } from "../tensor.ts";
import { add } from "./elementwise.ts";
import { fill } from "./leaf.ts";
import { closeLoop, runLoop, type ScanAttributes } from "./scan.ts";

export function scanGradient(
  node: Node<ScanAttributes>,
  gradients: readonly (Tensor | undefined)[],
  wanted: readonly boolean[],
): readonly (Tensor | undefined)[] {
  const { length, reverse } = node.attributes;
  const [carries, sequences, constants] = byRole(node.attributes, node.inputs);
  // Carries pass gradient on from step to step even where their first value's is not wanted.
  const flows = node.inputs.map(({ dtype }, i) => isFloat(dtype) && (i < carries.length || wanted[i]!));
  const [carryFlows, sequenceFlows, constantFlows] = byRole(node.attributes, flows);
  const outputGradients = gradients.slice(carries.length);
  const start = {
    carries: carries.map((carry, i) => gradients[i] ?? zeros(carry)).filter((_, i) => carryFlows[i]),
    constants: constants.map(zeros).filter((_, i) => constantFlows[i]),
  };
  const loop = closeLoop(
    {
      length,
      carries: [...start.carries, ...start.constants],
      sequences: [...keptCarries(node), ...sequences, ...outputGradients.filter((g) => g !== undefined)],
      constants,
      reverse: !reverse,
    },
    (flowing, elements, fixed) => {
      const read = carries.length + sequences.length;
      const inputs = [...elements.slice(0, read), ...fixed];
      const outputs = inline(node.attributes, inputs);
      const carryGradients = flowing.values();
      const stepGradients = elements.slice(read).values();
      const seeds = outputs.map((_, i) => {
        if (i < carries.length) return carryFlows[i] ? carryGradients.next().value : undefined;
        return outputGradients[i - carries.length] && stepGradients.next().value;
      });
      const found = vectorJacobian(
        outputs,
        seeds,
        inputs.filter((_, i) => flows[i]),
      );
      const before = found.slice(0, start.carries.length);
      const ofConstants = found.slice(found.length - start.constants.length);
      const sums = flowing.slice(start.carries.length).map((sum, i) => add(sum, ofConstants[i]!));
      return {
        carries: [...before, ...sums],
        outputs: found.slice(before.length, found.length - sums.length),
      };
    },
  );
  // Carries of this loop are not kept: they would hold the sums of the constants' gradients once for each step.
  const result = runLoop(loop, false);
  const found = [
    ...result.carries.slice(0, start.carries.length),
    ...result.outputs,
    ...result.carries.slice(start.carries.length),
  ].values();
  return [...carryFlows, ...sequenceFlows, ...constantFlows].map((isFlowing) =>
    isFlowing ? found.next().value : undefined,
  );
}

function zeros({ shape, dtype }: Tensor): Tensor {
  return fill(0, shape, dtype);
}

/** Cuts what is listed in the order of a scan's inputs. */
function byRole<T>(
  { carries, sequences }: ScanAttributes,
  all: readonly T[],
): [readonly T[], readonly T[], readonly T[]] {
  return [all.slice(0, carries), all.slice(carries, carries + sequences), all.slice(carries + sequences)];
}

/** One step of the loop on given tensors. */
function inline({ body }: ScanAttributes, inputs: readonly Tensor[]): Tensor[] {
  return substitute(body.outputs, new Map(body.inputs.map((leaf, i) => [leaf, inputs[i]!])));
}

/** The carries before each step, [length, …] each. */
function keptCarries({ attributes, inputs, outputs }: Node<ScanAttributes>): readonly Tensor[] {
  if (attributes.keep) return outputs.slice(outputs.length - attributes.carries);
  const [carries, sequences, constants] = byRole(attributes, inputs);
  const { length, reverse } = attributes;
  const again = closeLoop({ length, carries, sequences, constants, reverse }, (c, e, k) => ({
    carries: inline(attributes, [...c, ...e, ...k]).slice(0, attributes.carries),
    outputs: c,
  }));
  return runLoop(again, false).outputs;
}
