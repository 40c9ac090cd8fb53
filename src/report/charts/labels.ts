// Where the labels of points go so that few lie on each other. Knows pixels alone.

/** From the point to its label, in pixels, and which side of the text is there. */
export interface LabelPlace {
  readonly dx: number;
  readonly dy: number;
  readonly textAnchor: "start" | "middle" | "end";
}

const [letterWidth, lineHeight] = [6.8, 13];
const dot = 5;
/** Lines that a label may be moved away from its point. */
const mostLines = 8;

// Best first: above, below, beside, then further and further away, where a line leads to the label.
const places: readonly LabelPlace[] = [
  { dx: 0, dy: -12, textAnchor: "middle" },
  { dx: 0, dy: 13, textAnchor: "middle" },
  { dx: 9, dy: 0, textAnchor: "start" },
  { dx: -9, dy: 0, textAnchor: "end" },
  ...Array.from({ length: mostLines }, (_, line) =>
    [-1, 1].flatMap((side): LabelPlace[] => {
      const dy = side * (12 + (line + 1) * (lineHeight + 1));
      return [
        { dx: 0, dy, textAnchor: "middle" },
        { dx: 9, dy, textAnchor: "start" },
        { dx: -9, dy, textAnchor: "end" },
      ];
    }),
  ).flat(),
];

/** Whether a label is so far from its point that a line has to lead to it. */
export function isFar({ dy }: LabelPlace): boolean {
  return Math.abs(dy) > lineHeight;
}

/** Where labels may be, in pixels from the left and the top. */
export interface LabelBounds {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/**
 * One place for each label, in order: the first one that stays within the bounds and lies on no point and no earlier label;
 * where there is none, the first of those that stay within them.
 */
export function placeLabels(
  points: readonly { readonly label: string; readonly x: number; readonly y: number }[],
  bounds: LabelBounds,
): LabelPlace[] {
  const taken: LabelBounds[] = points.map(({ x, y }) => ({
    left: x - dot,
    right: x + dot,
    top: y - dot,
    bottom: y + dot,
  }));
  return points.map(({ label, x, y }) => {
    const inside = places
      .map((place) => ({ place, box: boxOf([...label].length * letterWidth, x, y, place) }))
      .filter(
        ({ box }) =>
          box.left >= bounds.left &&
          box.right <= bounds.right &&
          box.top >= bounds.top &&
          box.bottom <= bounds.bottom,
      );
    const chosen = inside.find(({ box }) => !taken.some((other) => overlap(box, other))) ?? inside[0];
    if (chosen !== undefined) taken.push(chosen.box);
    return chosen?.place ?? places[0]!;
  });
}

function boxOf(size: number, x: number, y: number, { dx, dy, textAnchor }: LabelPlace): LabelBounds {
  const left = x + dx - (textAnchor === "start" ? 0 : textAnchor === "middle" ? size / 2 : size);
  const middle = y + dy;
  return { left, right: left + size, top: middle - lineHeight / 2, bottom: middle + lineHeight / 2 };
}

function overlap(a: LabelBounds, b: LabelBounds): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
