import { defineConfig } from "vitest/config";

// Two projects: `fast` is the README's test command, `slow` holds checks that train or time out a minute.
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
          testTimeout: 900_000,
          // What is timed has the machine to itself.
          fileParallelism: false,
        },
      },
    ],
    maxWorkers: 2,
  },
});
