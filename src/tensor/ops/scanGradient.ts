// The gradient of a scan as another scan: the same steps in the opposite order, each differentiated on the carries it
// began with. Those are outputs of the scan, or are computed again here.
import { dependents, vectorJacobian } from "../gradient.ts";
import { substitute } from "../substitute.ts";
import { isFloat, type Node, sizeOf, type Tensor, topologicalOrder } from "../tensor.ts";
import { add } from "./elementwise.ts";
import { fill, input } from "./leaf.ts";
import { closeLoop, runLoop, type ScanAttributes } from "./scan.ts";
import { productsOf, type StepSum } from "./stepSums.ts";

export function scanGradient(
  node: Node<ScanAttributes>,
  gradients: readonly (Tensor | undefined)[],
  wanted: readonly boolean[],
): readonly (Tensor | undefined)[] {
  const { length, reverse, body } = node.attributes;
  const [carries, sequences, constants] = byRole(node.attributes, node.inputs);
  // Carries pass gradient on from step to step even where their first value's is not wanted.
  const flows = node.inputs.map(({ dtype }, i) => isFloat(dtype) && (i < carries.length || wanted[i]!));
  const [carryFlows, sequenceFlows, constantFlows] = byRole(node.attributes, flows);
  const outputGradients = gradients.slice(carries.length);

  // One step, on the leaves of the body: its gradients from those of its outputs.
  const seeds = body.outputs.map((output, i) => {
    const isSeeded = i < carries.length ? carryFlows[i] : outputGradients[i - carries.length] !== undefined;
    return isSeeded ? input(`gradient ${i}`, output.shape, output.dtype) : undefined;
  });
  const found = vectorJacobian(
    body.outputs,
    seeds,
    body.inputs.filter((_, i) => flows[i]),
  );
  const flowing = carryFlows.filter(Boolean).length;
  const ofConstants = constantFlows.filter(Boolean).length;
  const ofStep = found.slice(0, found.length - ofConstants);
  const kept = keptValues(node);
  const [bodyCarries, bodySequences, bodyConstants] = byRole(node.attributes, body.inputs);
  const given = [...kept.values, ...bodySequences, ...seeds.slice(carries.length).filter(isTensor)];
  const sums = constantSums(found.slice(ofStep.length), ofStep.slice(flowing), {
    given,
    changing: [...bodyCarries, ...given, ...seeds.filter(isTensor)],
  });

  const stacks = [...kept.stacks, ...sequences, ...outputGradients.filter(isTensor)];
  const rests = sums.parts.filter(({ rest }) => rest !== undefined);
  const loop = closeLoop(
    {
      length,
      carries: [
        ...carries.map((carry, i) => gradients[i] ?? zeros(carry)).filter((_, i) => carryFlows[i]),
        ...rests.map(({ rest }) => zeros(rest!)),
      ],
      sequences: stacks,
      constants,
      reverse: !reverse,
    },
    (states, elements, fixed) => {
      const leaves = [...seeds.slice(0, carries.length).filter(isTensor), ...given, ...bodyConstants];
      const values = [...states.slice(0, flowing), ...elements, ...fixed];
      const wholeStep = [...ofStep, ...sums.stacked, ...rests.map(({ rest }) => rest!)];
      const results = substitute(wholeStep, new Map(leaves.map((leaf, i) => [leaf, values[i]!])));
      const summed = results.splice(results.length - rests.length);
      return {
        carries: [
          ...results.splice(0, flowing),
          ...states.slice(flowing).map((sum, i) => add(sum, summed[i]!)),
        ],
        outputs: results,
      };
    },
  );
  // Carries of this loop are not kept: they would hold the sums of the constants' gradients once for each step.
  const result = runLoop(loop, false);
  const outputs = result.outputs.slice(0, ofStep.length - flowing);
  const stackOf = new Map([
    ...[...ofStep.slice(flowing), ...sums.stacked].map((tensor, i) => [tensor, result.outputs[i]!] as const),
    ...given.map((tensor, i) => [tensor, stacks[i]!] as const),
  ]);
  const totals = result.carries.slice(flowing).values();
  const constantGradients = sums.parts.map(({ stacked, make, rest }) => {
    const total = rest === undefined ? undefined : totals.next().value;
    const products = stacked.length === 0 ? undefined : make((tensor) => stackOf.get(tensor)!);
    return total !== undefined && products !== undefined ? add(total, products) : (total ?? products);
  });
  const all = [...result.carries.slice(0, flowing), ...outputs, ...constantGradients].values();
  return [...carryFlows, ...sequenceFlows, ...constantFlows].map((isFlowing) =>
    isFlowing ? all.next().value : undefined,
  );
}

/**
 * What each step adds to the gradients of the loop's constants. Products are left for after the loop as long as what it
 * must stack for them is no more than its steps read and write anyway.
 * @param outputs what the loop stacks in any case
 */
function constantSums(
  terms: readonly Tensor[],
  outputs: readonly Tensor[],
  { given, changing }: { readonly given: readonly Tensor[]; readonly changing: readonly Tensor[] },
): { readonly parts: readonly StepSum[]; readonly stacked: readonly Tensor[] } {
  const nodes = dependents(topologicalOrder(terms), changing);
  const size = (tensors: readonly Tensor[]) => tensors.reduce((total, { shape }) => total + sizeOf(shape), 0);
  const known = new Set([...given, ...outputs]);
  const stacked = new Set<Tensor>();
  let room = size(given) + size(outputs);
  const parts = terms.map((term): StepSum => {
    const part = productsOf(term, new Set(given), nodes);
    const more = [...new Set(part.stacked)].filter((tensor) => !known.has(tensor));
    if (size(more) > room) return { stacked: [], make: part.make, rest: term };
    room -= size(more);
    for (const tensor of more) {
      known.add(tensor);
      stacked.add(tensor);
    }
    return part;
  });
  return { parts, stacked: [...stacked] };
}

function isTensor(tensor: Tensor | undefined): tensor is Tensor {
  return tensor !== undefined;
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

/** What is known of each step, as values of its body and their stacks [length, …]: the carries before it, and what else was kept. */
function keptValues(node: Node<ScanAttributes>): { values: readonly Tensor[]; stacks: readonly Tensor[] } {
  const { attributes, inputs, outputs } = node;
  const { length, reverse, body, kept } = attributes;
  if (kept > 0) return { values: body.outputs.slice(-kept), stacks: outputs.slice(-kept) };
  const [carries, sequences, constants] = byRole(attributes, inputs);
  const again = closeLoop({ length, carries, sequences, constants, reverse }, (c, e, k) => {
    const leaves = new Map(body.inputs.map((leaf, i) => [leaf, [...c, ...e, ...k][i]!]));
    return { carries: substitute(body.outputs.slice(0, carries.length), leaves), outputs: c };
  });
  return { values: body.inputs.slice(0, carries.length), stacks: runLoop(again, false).outputs };
}
