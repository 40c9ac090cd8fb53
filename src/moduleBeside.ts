// Where a module lies that is loaded later, by another thread or process. Knows no module.

/** The module at `path` as seen from the one whose `import.meta.url` is given, in the form that this one has: source or built. */
export function moduleBeside(own: string, path: string): URL {
  return new URL(`${path}${own.slice(own.lastIndexOf("."))}`, own);
}
