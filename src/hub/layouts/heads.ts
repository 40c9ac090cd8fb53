// Layouts in which heads and their size follow from one another: what has to grow as well. Knows no layout.
import type { Architecture } from "../../architecture/schema.ts";
import { RequestError } from "../../errors.ts";
import { commonBlock, type Tie, transformerBlocks, unlike } from "../layout.ts";

const attentionOf = (type: string, architecture: Architecture) =>
  commonBlock(type, transformerBlocks(type, architecture)).attention;

/** Errors: RequestError where heads times their size is not the width. */
export function requireHeadsFillWidth(type: string, architecture: Architecture): void {
  const { heads, headWidth, valueWidth = headWidth } = attentionOf(type, architecture);
  const { width } = architecture;
  if (heads * headWidth === width && valueWidth === headWidth) return;
  throw unlike(
    type,
    `${heads} heads of ${headWidth} features (values ${valueWidth}) are beside a width of ${width}`,
    "width = heads × head size",
  );
}

/** What makes heads times their size the width again: more heads, or wider ones. */
export function headsFillWidth(type: string, before: Architecture, after: Architecture): Tie[] {
  const { width } = after;
  const old = attentionOf(type, before);
  const { heads, headWidth, valueWidth = headWidth } = attentionOf(type, after);
  if (heads * headWidth === width && valueWidth === headWidth) return [];
  const tie = `${type} has width = heads × head size`;
  const reach = (heads: number, headWidth: number, what: string): Tie[] => [
    {
      step: { grow: "settings", to: { heads, headWidth, valueWidth: headWidth } },
      why: `${tie}, and the width is ${width}: ${what}`,
    },
  ];
  // A size that was asked for stays.
  if (headWidth === old.headWidth && width % headWidth === 0 && width / headWidth >= heads) {
    return reach(
      width / headWidth,
      headWidth,
      `${width / headWidth} heads of ${headWidth} instead of ${old.heads}`,
    );
  }
  if (width % heads === 0 && width / heads >= headWidth && width / heads >= valueWidth) {
    return reach(heads, width / heads, `heads of ${width / heads} instead of ${old.headWidth}`);
  }
  if (width % headWidth === 0 && width / headWidth >= heads) {
    return reach(
      width / headWidth,
      headWidth,
      `${width / headWidth} heads of ${headWidth} instead of ${old.heads}`,
    );
  }
  const wide = Math.ceil(Math.max(width, heads * headWidth) / headWidth) * headWidth;
  throw new RequestError(
    `grow: ${tie}, and ${heads} heads of ${headWidth} do not go into a width of ${width}; a width of ${wide} takes ` +
      `${wide / headWidth} heads of ${headWidth}`,
  );
}

/** What makes values as wide as queries and keys. */
export function valuesFollowKeys(type: string, after: Architecture): Tie[] {
  const { headWidth, valueWidth = headWidth } = attentionOf(type, after);
  if (valueWidth === headWidth) return [];
  if (valueWidth > headWidth) {
    throw new RequestError(
      `grow: ${type} has one size for queries, keys and values, and values have ${valueWidth} features where queries have ` +
        `${headWidth}; give --head-width ${valueWidth} instead`,
    );
  }
  const step = { grow: "settings", to: { valueWidth: headWidth } } as const;
  return [
    {
      step,
      why: `${type} has one size for queries, keys and values: values of ${headWidth} instead of ${valueWidth}`,
    },
  ];
}
