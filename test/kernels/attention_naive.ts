// Attention and its gradient as loops over float64, straight from the definition.

export interface Sizes {
  readonly batch: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly queryHeads: number;
  readonly keyHeads: number;
  readonly width: number;
  readonly valueWidth: number;
  readonly causal: boolean;
  readonly window: number;
  readonly offset: number;
  readonly scale: number;
}

/** A view [batch, length, heads, width] into an array. */
export interface View {
  readonly values: Float64Array;
  readonly start: number;
  readonly batch: number;
  readonly token: number;
  readonly head: number;
}

const at = (v: View, b: number, t: number, h: number): number =>
  v.start + b * v.batch + t * v.token + h * v.head;

export function sees(s: Sizes, query: number, key: number): boolean {
  const position = s.offset + query;
  if (s.causal && key > position) return false;
  return s.window === 0 || Math.abs(position - key) < s.window;
}

function dot(x: View, i: number, y: View, j: number, width: number): number {
  let sum = 0;
  for (let c = 0; c < width; c++) sum += x.values[i + c]! * y.values[j + c]!;
  return sum;
}

/** Calls `visit` for each query with its scores, -Infinity where a key is not seen. */
function forEachQuery(
  s: Sizes,
  q: View,
  k: View,
  visit: (b: number, h: number, i: number, scores: number[]) => void,
): void {
  for (let b = 0; b < s.batch; b++) {
    for (let h = 0; h < s.queryHeads; h++) {
      const shared = Math.floor(h / (s.queryHeads / s.keyHeads));
      for (let i = 0; i < s.queryLength; i++) {
        const scores: number[] = [];
        for (let j = 0; j < s.keyLength; j++) {
          const score = sees(s, i, j)
            ? s.scale * dot(q, at(q, b, i, h), k, at(k, b, j, shared), s.width)
            : Number.NEGATIVE_INFINITY;
          scores.push(score);
        }
        visit(b, h, i, scores);
      }
    }
  }
}

/** Writes out and logSumExp [batch, queryHeads, queryLength]. */
export function attend(s: Sizes, q: View, k: View, v: View, out: View, logSumExp: Float64Array): void {
  forEachQuery(s, q, k, (b, h, i, scores) => {
    const shared = Math.floor(h / (s.queryHeads / s.keyHeads));
    const top = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + (score > top - 1e9 ? Math.exp(score - top) : 0), 0);
    const seen = top > Number.NEGATIVE_INFINITY;
    logSumExp[(b * s.queryHeads + h) * s.queryLength + i] = seen ? top + Math.log(total) : top;
    for (let c = 0; c < s.valueWidth; c++) {
      let sum = 0;
      for (let j = 0; j < s.keyLength; j++) {
        if (sees(s, i, j)) sum += (Math.exp(scores[j]! - top) / total) * v.values[at(v, b, j, shared) + c]!;
      }
      out.values[at(out, b, i, h) + c] = sum;
    }
  });
}

/** Writes dq, dk, dv, which must be zero before. */
export function differentiate(
  s: Sizes,
  { q, k, v, out, dOut, dq, dk, dv }: Record<"q" | "k" | "v" | "out" | "dOut" | "dq" | "dk" | "dv", View>,
): void {
  forEachQuery(s, q, k, (b, h, i, scores) => {
    const shared = Math.floor(h / (s.queryHeads / s.keyHeads));
    const top = Math.max(...scores);
    if (top === Number.NEGATIVE_INFINITY) return;
    const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
    const delta = dot(dOut, at(dOut, b, i, h), out, at(out, b, i, h), s.valueWidth);
    for (let j = 0; j < s.keyLength; j++) {
      if (!sees(s, i, j)) continue;
      const p = Math.exp(scores[j]! - top) / total;
      const dP = dot(dOut, at(dOut, b, i, h), v, at(v, b, j, shared), s.valueWidth);
      const dScore = p * (dP - delta) * s.scale;
      for (let c = 0; c < s.width; c++) {
        dq.values[at(dq, b, i, h) + c]! += dScore * k.values[at(k, b, j, shared) + c]!;
        dk.values[at(dk, b, j, shared) + c]! += dScore * q.values[at(q, b, i, h) + c]!;
      }
      for (let c = 0; c < s.valueWidth; c++)
        dv.values[at(dv, b, j, shared) + c]! += p * dOut.values[at(dOut, b, i, h) + c]!;
    }
  });
}
