// The part of JavaScript's WebAssembly interface that this backend uses, typed: it comes with the types of browsers, and
// this package is compiled without those.

export interface SharedMemory {
  /** All of it. A larger one comes after growth; those from before stay valid. */
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB. @throws RangeError where it cannot. */
  grow(pages: number): number;
}

/** Compiled code, which threads can share. */
export interface CompiledModule {
  readonly [Symbol.toStringTag]: "WebAssembly.Module";
}

interface WebAssemblyInterface {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Instance: new (
    module: CompiledModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: unknown };
  compile(bytes: Uint8Array): Promise<CompiledModule>;
  validate(bytes: Uint8Array): boolean;
}

export const webAssembly: WebAssemblyInterface = (
  globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }
).WebAssembly;
