// How fast a run goes and how long it still takes. The only part of a run that looks at the clock.

export interface Pace {
  /** Call after each step. */
  step(): void;
  /** Call before a step that follows something else: the time since the last one is not the step's. */
  resume(): void;
  /** Of the latest steps; 0 before the first is timed. */
  stepsPerSecond(): number;
  /** Everything since the first step counted, evaluations too; null before. */
  secondsLeft(remaining: number): number | null;
  seconds(): number;
}

/** Steps that `stepsPerSecond` looks back on. */
const WINDOW = 20;

/** @param clock milliseconds, of any origin */
export function createPace(clock: () => number = () => performance.now()): Pace {
  const start = clock();
  let before = start;
  let first = 0;
  let steps = 0;
  const recent: number[] = [];
  return {
    step() {
      const now = clock();
      // The first step of a run warms up caches and threads.
      if (steps === 1) recent.length = 0;
      recent.push(now - before);
      if (recent.length > WINDOW) recent.shift();
      if (steps === 0) first = now;
      before = now;
      steps++;
    },
    resume() {
      before = clock();
    },
    stepsPerSecond() {
      const total = recent.reduce((sum, milliseconds) => sum + milliseconds, 0);
      return total > 0 ? (1000 * recent.length) / total : 0;
    },
    secondsLeft: (remaining) => (steps < 2 ? null : ((before - first) / (steps - 1) / 1000) * remaining),
    seconds: () => (clock() - start) / 1000,
  };
}
