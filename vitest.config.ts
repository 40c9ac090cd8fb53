import { defineConfig } from "vitest/config";

/** Checks that use all cores, or look at a clock: one at a time. */
const alone = [
  "test/readme.slow.test.ts",
  "test/models/measured.slow.test.ts",
  ...["doctor", "images", "memory", "process", "signals"].map((name) => `test/cli/${name}.slow.test.ts`),
];

// `fast` is the README's test command; `slow` and then `alone` hold checks that take a minute or more.
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
          testTimeout: 900_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "alone",
          include: alone,
          testTimeout: 900_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    maxWorkers: 2,
  },
});
