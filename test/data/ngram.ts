// An interpolated n-gram model with Witten-Bell backoff: an ordinary competitor of the optimal predictor.
// Bell, Cleary, Witten, "Text Compression", 1990, method C.

export interface NgramModel {
  /** Nat of tokens[at] given up to order - 1 tokens before it, none earlier than `from`. */
  loss(tokens: Uint16Array, at: number, from: number): number;
}

interface Counts {
  total: number;
  next: Map<number, number>;
}

export function trainNgram(tokens: Uint16Array, vocabulary: number, order: number): NgramModel {
  const contexts = Array.from({ length: order }, () => new Map<number, Counts>());
  for (let at = 0; at < tokens.length; at++) {
    let key = 0;
    let scale = 1;
    for (let length = 0; length < order && length <= at; length++) {
      if (length > 0) {
        key += tokens[at - length]! * scale;
        scale *= vocabulary;
      }
      const table = contexts[length]!;
      let counts = table.get(key);
      if (counts === undefined) {
        counts = { total: 0, next: new Map() };
        table.set(key, counts);
      }
      counts.total++;
      counts.next.set(tokens[at]!, (counts.next.get(tokens[at]!) ?? 0) + 1);
    }
  }
  return {
    loss(text, at, from) {
      let probability = 1 / vocabulary;
      let key = 0;
      let scale = 1;
      for (let length = 0; length < order && at - length >= from; length++) {
        if (length > 0) {
          key += text[at - length]! * scale;
          scale *= vocabulary;
        }
        const counts = contexts[length]!.get(key);
        if (counts === undefined) break;
        const novel = counts.next.size;
        probability = ((counts.next.get(text[at]!) ?? 0) + novel * probability) / (counts.total + novel);
      }
      return -Math.log(probability);
    },
  };
}
