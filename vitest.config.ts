import { defineConfig } from "vitest/config";

/** Checks that use all cores, or look at a clock: one at a time. */
const alone = [
  "test/readme.slow.test.ts",
  "test/models/measured.slow.test.ts",
  ...["doctor", "images", "memory", "process", "signals"].map((name) => `test/cli/${name}.slow.test.ts`),
];

/** Hooks build dist/, start a browser or train: on a busy machine that takes more than vitest's 10 seconds. */
const limits = { testTimeout: 900_000, hookTimeout: 300_000 };

// `fast` is `npm test`; `slow` and then `alone` hold checks that take a minute or more.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.slow.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "slow",
          include: ["test/**/*.slow.test.ts"],
          exclude: alone,
          ...limits,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "alone",
          include: alone,
          ...limits,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    maxWorkers: 2,
  },
});
