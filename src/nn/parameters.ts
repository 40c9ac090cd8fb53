// Where a primitive's parameters come from: it names a tensor, a source gives it. Knows no primitive.
import { input } from "../tensor/ops/leaf.ts";
import { type Shape, sameShape, type Tensor } from "../tensor/tensor.ts";

/** First values of a parameter. */
export type Initializer =
  | { readonly kind: "normal"; readonly standardDeviation: number }
  | { readonly kind: "constant"; readonly value: number }
  /** Evenly from `low` up to `high`; each value drawn then goes through `transform`. */
  | {
      readonly kind: "uniform";
      readonly low: number;
      readonly high: number;
      /** Default: as drawn. */
      readonly transform?: (drawn: number) => number;
    }
  /** A value for each place, counted row-major. */
  | {
      readonly kind: "values";
      /** The value of a place. */
      readonly at: (place: number) => number;
    };

/** What a parameter is for; optimisers and weight decay choose by it. `hidden`: a matrix between features. */
export type Role = "hidden" | "embedding" | "positions" | "head" | "scale" | "bias";

/** A parameter as a primitive asks for it. */
export interface ParameterDeclaration {
  readonly shape: Shape;
  readonly initializer: Initializer;
  readonly role: Role;
  /** Which part of it one token uses, from 0 to 1: of experts those it meets. Default 1. */
  readonly activeShare?: number;
}

/** Gives the tensor of a name. Sharing, masks or adapters are sources that return an expression. */
export interface ParameterSource {
  /** The tensor of that name, of the shape declared. */
  parameter(name: string, declaration: ParameterDeclaration): Tensor;
}

export type Parameters = ReadonlyMap<string, ParameterDeclaration>;

/** A source whose parameters are inputs of the graph under their own names. */
export interface InputSource extends ParameterSource {
  /** Everything asked for so far, in order. */
  readonly declared: Parameters;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * The same name always gives the same tensor; RangeError where it is asked for in two shapes. `inputName` names the graph's
 * input of a parameter, where that is not the parameter's name.
 */
export function inputSource(inputName: (parameter: string) => string = (name) => name): InputSource {
  const declared = new Map<string, ParameterDeclaration>();
  const tensors = new Map<string, Tensor>();
  return {
    declared,
    tensors,
    parameter(name, declaration) {
      const before = tensors.get(name);
      if (before === undefined) {
        const tensor = input(inputName(name), declaration.shape);
        declared.set(name, declaration);
        tensors.set(name, tensor);
        return tensor;
      }
      if (!sameShape(before.shape, declaration.shape)) {
        throw new RangeError(
          `parameter "${name}" is asked for as [${before.shape}] and as [${declaration.shape}]`,
        );
      }
      return before;
    },
  };
}
