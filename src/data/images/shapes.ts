// The built-in images: shapes drawn at a random place, size, angle and colour, under noise. A pure function of the seed;
// needs no file.
//
// A shape is the set of points with a negative distance to its edge, so a pixel's coverage, and with it a smooth edge, is
// read off the distance at its middle.

import { type Draws, drawsOf } from "../draws.ts";
import { createRandom } from "../random.ts";
import { type ImageParts, imageLength, type LabelledImages, labelled } from "./images.ts";

const size = { height: 32, width: 32, channels: 3 } as const;
const counts = { training: 10_000, validation: 1000, test: 2000 } as const;
const seeds = { training: 1, validation: 2, test: 3 } as const;

/** Signed distance (about, where it is not near) of a point to the edge of a shape that fits into the unit circle. */
type Distance = (x: number, y: number) => number;

const shapes: Readonly<Record<string, Distance>> = {
  circle: (x, y) => Math.hypot(x, y) - 0.85,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.7) - 0.18,
  semicircle: (x, y) => Math.max(Math.hypot(x, y + 0.4) - 0.95, -0.4 - y),
  crescent: (x, y) => Math.max(Math.hypot(x, y) - 0.95, 0.8 - Math.hypot(x - 0.5, y)),
  triangle: polygon(corners(3, () => 1)),
  square: polygon(corners(4, () => 1)),
  pentagon: polygon(corners(5, () => 0.95)),
  star: polygon(corners(10, (corner) => (corner % 2 === 0 ? 1 : 0.4))),
  cross: (x, y) => Math.min(box(x, y, 0.95, 0.27), box(x, y, 0.27, 0.95)),
  bar: (x, y) => box(x, y, 0.97, 0.22),
};

/** The names of the shapes, in the order of their labels. */
export const shapeNames: readonly string[] = Object.keys(shapes);

/** 10,000 images of 32 x 32 in colour to train on, 1,000 for validation, 2,000 for the test; always the same. */
export function drawnShapes(): ImageParts {
  // Drawing takes seconds, and a run that is trained and then tested needs them twice.
  drawn ??= drawAll();
  return drawn;
}

let drawn: ImageParts | undefined;

function drawAll(): ImageParts {
  return {
    name: "shapes",
    classes: shapeNames,
    training: drawShapes(seeds.training, counts.training),
    validation: drawShapes(seeds.validation, counts.validation),
    test: drawShapes(seeds.test, counts.test),
    notes: [],
  };
}

/** `count` images, as many of each shape as of the next. */
export function drawShapes(seed: number, count: number): LabelledImages {
  const random = createRandom(seed, 3);
  const length = imageLength(size);
  const pixels = new Uint8Array(count * length);
  const labels = new Uint16Array(count);
  const distances = Object.values(shapes);
  for (let image = 0; image < count; image++) {
    const label = image % distances.length;
    labels[image] = label;
    draw(
      pixels.subarray(image * length, (image + 1) * length),
      distances[label]!,
      drawsOf(random, image, 2 ** 13),
    );
  }
  return labelled("shapes", size, pixels, labels);
}

/** A shape is brighter by at least this than what is behind it. */
const CONTRAST = 50;
/** Most that a shape is turned either way, in radians. */
const TILT = Math.PI / 12;
const NOISE_LEVELS = 2 ** 17;

function draw(pixels: Uint8Array, distance: Distance, draws: Draws): void {
  const side = size.width;
  const between = (low: number, high: number) => low + (high - low) * draws.uniform();
  const radius = between(9, 12);
  const middle = () => between(radius + 1, side - radius - 1);
  const [centreX, centreY, angle] = [middle(), middle(), between(-TILT, TILT)];
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const colour = () => [between(20, 235), between(20, 235), between(20, 235)] as const;
  let [behind, inside] = [colour(), colour()];
  while (brightness(inside) - brightness(behind) < CONTRAST) [behind, inside] = [colour(), colour()];
  const noise = between(4, 24);
  for (let i = 0; i < side * side; i++) {
    const x = (i % side) + 0.5 - centreX;
    const y = Math.floor(i / side) + 0.5 - centreY;
    const isNear = Math.hypot(x, y) < radius + 1;
    const edge = isNear
      ? radius * distance((cosine * x + sine * y) / radius, (cosine * y - sine * x) / radius)
      : 1;
    const coverage = Math.min(1, Math.max(0, 0.5 - edge));
    // One number has bits enough for the noise of three channels.
    let bits = draws.uniform();
    for (let c = 0; c < 3; c++) {
      bits *= NOISE_LEVELS;
      const level = Math.floor(bits);
      bits -= level;
      const value =
        behind[c]! + coverage * (inside[c]! - behind[c]!) + noise * triangular(level / NOISE_LEVELS);
      pixels[3 * i + c] = Math.min(255, Math.max(0, Math.round(value)));
    }
  }
}

function brightness([red, green, blue]: readonly [number, number, number]): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** A uniform number as one of mean 0 and deviation 1 / sqrt(6), between -1 and 1. */
function triangular(u: number): number {
  return u < 0.5 ? Math.sqrt(2 * u) - 1 : 1 - Math.sqrt(2 - 2 * u);
}

type Point = readonly [x: number, y: number];

function corners(count: number, radius: (corner: number) => number): Point[] {
  return Array.from({ length: count }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / count;
    return [radius(corner) * Math.sin(angle), radius(corner) * Math.cos(angle)] as const;
  });
}

function box(x: number, y: number, halfWidth: number, halfHeight: number): number {
  return Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);
}

/** Distance to the nearest side; negative where a ray to the right crosses the sides an odd number of times. */
function polygon(points: readonly Point[]): Distance {
  return (x, y) => {
    let nearest = Number.POSITIVE_INFINITY;
    let isInside = false;
    points.forEach(([ax, ay], i) => {
      const [bx, by] = points[(i + 1) % points.length]!;
      const [sideX, sideY] = [bx - ax, by - ay];
      const share = ((x - ax) * sideX + (y - ay) * sideY) / (sideX * sideX + sideY * sideY);
      const along = Math.min(1, Math.max(0, share));
      nearest = Math.min(nearest, Math.hypot(x - ax - along * sideX, y - ay - along * sideY));
      if (ay > y !== by > y && x < ax + (sideX * (y - ay)) / sideY) isInside = !isInside;
    });
    return isInside ? -nearest : nearest;
  };
}
