// What a primitive looks like in PyTorch, and a source of parameters: texts, and what they need. Knows no particular one.

/** A class or function of Python that other texts call by its name; the same for all who do. */
export interface PythonHelper {
  readonly name: string;
  /** Whole, from its first line on. */
  readonly text: string;
  /** Those whose names its text has. */
  readonly uses?: readonly PythonHelper[];
}

/**
 * A primitive with its settings as a class of PyTorch that maps x [B, T, D] to [B, T, D]. Its parameters are called as
 * `pytorchNames` says; `DEVIATION` is the standard deviation of matrices at the start.
 */
export interface PyTorchForm {
  /** Of the class; where another text has it, a number is added. */
  readonly name: string;
  /** What stands in the class, from its docstring on, indented by four spaces. */
  readonly body: string;
  /** Of its constructor, the model's width under the name WIDTH: `WIDTH`, `heads=8`. */
  readonly arguments: readonly string[];
  readonly uses?: readonly PythonHelper[];
  /** `forward` adds to its member `loss`, which the model sets to 0, what is to be added to the loss. */
  readonly hasLoss?: boolean;
  /** Names of parts whose parameters belong to a module of their own inside this one. */
  readonly modules?: readonly string[];
  /** What it is made of: the constructor's first argument makes one such module, as `lambda: Attention(WIDTH, heads=8)`. */
  readonly makes?: PyTorchForm;
}

/** What a source of parameters is in PyTorch: how the model lets it compute the matrices of its blocks. */
export interface SourceForm {
  /** Lines of the constructor of `Model`, where the blocks are there and what lies below has computed. */
  readonly lines: Lines;
  readonly uses: readonly PythonHelper[];
  /** Members that keep what it asks for besides the matrix below, in that order: of what computes one matrix. */
  readonly members: readonly string[];
  /** Those are the model's own, the same for all matrices. */
  readonly inModel?: boolean;
}

/** Lines of a text; those that are false are left out, lists are their lines. */
export type Lines = readonly (string | false | Lines)[];

/** The lines as one text. */
export function python(lines: Lines): string {
  const flat = (part: Lines): string[] =>
    part.flatMap((line) => (typeof line === "string" ? [line] : line === false ? [] : flat(line)));
  return flat(lines).join("\n");
}

/** A number as Python has it, short. */
export function pythonNumber(value: number): string {
  const plain = String(value);
  const exponential = value.toExponential();
  return exponential.length < plain.length ? exponential.replace("e+", "e") : plain;
}

/** `name=value` for every value that is given. */
export function keywords(values: Readonly<Record<string, number | string | null | undefined>>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === null || value === undefined
      ? []
      : [`${name}=${typeof value === "number" ? pythonNumber(value) : value}`],
  );
}

/** A learned linear map, as most primitives have it. */
export const linearHelper: PythonHelper = {
  name: "linear",
  text: `def linear(inputs, outputs, bias=False):
    """A linear map: weights normal around zero, bias from zeros."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.normal_(layer.weight, std=DEVIATION)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer`,
};

/** The last argument of `linear`. */
export const biasArgument = (bias: boolean): string => (bias ? ", bias=True" : "");
