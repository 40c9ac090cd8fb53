// Words of a tape: what does not fit one is a model too large for kernels, and no fault of the program.
import { expect, test } from "vitest";
import { createTapeWriter } from "../../../src/backend/tape/writer.ts";
import { RequestError } from "../../../src/errors.ts";

test("a place that kernels cannot count to is refused in one line", () => {
  const writer = createTapeWriter();
  writer.word(2 ** 31 - 1);
  expect(() => writer.word(2 ** 31)).toThrow(RequestError);
  expect(() => writer.word(1312508000010)).toThrow(
    /place 1312508000010, .* make it, the batch or the length smaller/,
  );
  expect(writer.words).toEqual([2 ** 31 - 1]);
});
