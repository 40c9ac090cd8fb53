// How far apart two sizes are, as a factor. Knows no size.

/** In logarithms: 0 of equal ones, the same of a half and of a double. */
export const distance = (a: number, b: number): number => Math.abs(Math.log(a / b));
