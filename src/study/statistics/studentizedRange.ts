// The tail of the studentized range where few degrees of freedom make it long (Tukey; Lund and Lund 1983, algorithm AS 190, gives
// the double integral). Knows no arms; for many degrees see criticalValue.ts.
import jstat from "jstat";

/** Of both integrals; the inner one ends with the normal distribution, so that the trapezoidal rule is as good as exact. */
const STEP = 0.05;
const WIDEST = 14;
const FARTHEST = 9;

/** 1 - the distribution of the range of so many normal numbers, at 0, STEP, 2 STEP, … by how many they are. */
const rangeTails = new Map<number, Float64Array>();

/**
 * The chance that the range of so many means, over the standard error of one, lies beyond `range`.
 * @param degrees of freedom of that error, from 1 to some 30
 */
export function rangeTail(range: number, means: number, degrees: number): number {
  const tails = rangeTails.get(means) ?? tailsOf(means);
  rangeTails.set(means, tails);
  // With s the error over its true value and w = s · range: ∫ f(w / range) (1 - R(w)) dw / range, by Simpson's rule.
  const logFactor = Math.log(2) + (degrees / 2) * Math.log(degrees / 2) - jstat.gammaln(degrees / 2);
  const density = (s: number) => Math.exp(logFactor - (degrees * s * s) / 2) * s ** (degrees - 1);
  let sum = 0;
  for (const [i, tail] of tails.entries()) {
    const weight = i === 0 || i === tails.length - 1 ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * density((i * STEP) / range) * tail;
  }
  return (sum * STEP) / 3 / range;
}

function tailsOf(means: number): Float64Array {
  const reach = Math.round(FARTHEST / STEP);
  const widest = Math.round(WIDEST / STEP);
  const below = Float64Array.from({ length: 2 * reach + widest + 1 }, (_, i) =>
    jstat.normal.cdf((i - reach - widest) * STEP, 0, 1),
  );
  const at = (place: number) => below[place + reach + widest]!;
  return Float64Array.from({ length: widest + 1 }, (_, w) => {
    let inside = 0;
    for (let z = -reach; z <= reach; z++) {
      const density = Math.exp(-((z * STEP) ** 2) / 2) / Math.sqrt(2 * Math.PI);
      inside += density * (at(z) - at(z - w)) ** (means - 1);
    }
    return Math.max(0, 1 - means * inside * STEP);
  });
}
