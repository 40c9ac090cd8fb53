// Measured losses over size with the parabola through them, as curves. Fits nothing.
import type { Series } from "./chart.ts";

/** Points that a parabola is drawn with. */
const PLACES = 60;

/** @param lossAt the parabola; drawn from the smallest size to the largest, in even steps of the logarithm */
export function withParabola(
  name: string,
  measured: readonly { readonly parameters: number; readonly loss: number }[],
  lossAt: (parameters: number) => number,
): Series[] {
  const ordered = [...measured].sort((a, b) => a.parameters - b.parameters);
  const [low, high] = [Math.log(ordered[0]!.parameters), Math.log(ordered.at(-1)!.parameters)];
  const curve = Array.from({ length: PLACES }, (_, i) => {
    const x = Math.exp(low + ((high - low) * i) / (PLACES - 1));
    return { x, y: lossAt(x) };
  });
  return [
    { name, points: ordered.map(({ parameters, loss }) => ({ x: parameters, y: loss })) },
    { name: `${name}, parabola`, points: curve, background: true, kind: "parabola" },
  ];
}
