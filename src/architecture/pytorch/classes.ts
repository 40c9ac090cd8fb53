// The classes and functions of a PyTorch file, each once and under a name of its own. Knows no primitive.
import type { PyTorchForm, PythonHelper } from "../../nn/pytorch/form.ts";

/** What the file itself defines. */
const own = ["Model", "Block", "First", "Last", "load", "read_safetensors", "loss_of", "main"];

/** Collects what a file needs. */
export class PythonClasses {
  readonly #helpers = new Map<string, string>();
  readonly #classes = new Map<string, { readonly name: string; readonly text: string }>();

  #hasLosses = false;

  /** Whether some class has something to add to the loss. */
  get hasLosses(): boolean {
    return this.#hasLosses;
  }

  /** What makes the module of a form: `Attention(WIDTH, heads=8)`. */
  construct(form: PyTorchForm): string {
    const given = [
      ...(form.makes === undefined ? [] : [`lambda: ${this.construct(form.makes)}`]),
      ...form.arguments,
    ];
    for (const helper of form.uses ?? []) this.use(helper);
    this.#hasLosses ||= form.hasLoss ?? false;
    const key = JSON.stringify([form.name, form.body]);
    const known = this.#classes.get(key) ?? {
      name: this.#freeName(form.name),
      text: form.body,
    };
    this.#classes.set(key, known);
    return `${known.name}(${given.join(", ")})`;
  }

  use({ name, text, uses = [] }: PythonHelper): void {
    for (const helper of uses) this.use(helper);
    this.#helpers.set(name, text);
  }

  /** All texts, those that others need first. */
  texts(): string[] {
    const classes = [...this.#classes.values()].map(({ name, text }) => `class ${name}(nn.Module):\n${text}`);
    return [...this.#helpers.values(), ...classes];
  }

  #freeName(wanted: string): string {
    const taken = new Set([
      ...own,
      ...this.#helpers.keys(),
      ...[...this.#classes.values()].map(({ name }) => name),
    ]);
    let name = wanted;
    for (let count = 2; taken.has(name); count++) name = `${wanted}${count}`;
    return name;
  }
}
