// The memory of a wasm machine: zeros, views that outlive growth, and its end.
import { expect, test } from "vitest";
import { createHeap, createMemory } from "../../../src/backend/wasm/memory.ts";
import { WorkError } from "../../../src/errors.ts";

const open = () => createHeap(createMemory(), 100_000);
const view = ({
  buffer,
  byteOffset,
  bytes,
}: {
  buffer: ArrayBufferLike;
  byteOffset: number;
  bytes: number;
}) => new Uint8Array(buffer, byteOffset, bytes);

test("blocks are zeros, also where something was before", () => {
  const heap = open();
  const first = heap.allocate(1000);
  view(first).fill(7);
  heap.release(first);
  const small = heap.allocate(100);
  const large = heap.allocate(5000);
  for (const block of [small, large]) {
    expect(block.address % 64).toBe(0);
    expect(view(block).every((byte) => byte === 0)).toBe(true);
  }
});

test("a view stays the memory of its block when the memory grows", () => {
  const heap = open();
  const early = view(heap.allocate(64));
  const before = heap.memory.buffer.byteLength;
  const late = heap.allocate(before);
  expect(heap.memory.buffer.byteLength).toBeGreaterThan(before);
  early.fill(5);
  expect(new Uint8Array(heap.memory.buffer)[early.byteOffset]).toBe(5);
  view(late).fill(6);
  expect(early.every((byte) => byte === 5)).toBe(true);
});

test("4 GiB are all there is; more is refused in one line, and what is given back can be had again", () => {
  const heap = open();
  const gigabyte = 2 ** 30;
  const large = heap.allocateRaw(3 * gigabyte);
  const tooMuch = () => heap.allocateRaw(1.5 * gigabyte);
  expect(tooMuch).toThrow(WorkError);
  expect(tooMuch).toThrow(
    /^out of memory: 1611 MB more are needed and 3222 MB of .* 4 GiB are taken; --backend native/,
  );
  expect(() => heap.allocate(5 * gigabyte)).toThrow(/5369 MB more are needed/);
  const last = heap.allocateRaw(900 * 2 ** 20);
  expect(view(last)).toHaveLength(900 * 2 ** 20);
  heap.release(large);
  expect(heap.allocateRaw(1.5 * gigabyte).address).toBe(large.address);
});
