// Environment variables as functions take them, so that no declaration of the library needs Node's own types.

/** Values by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;
