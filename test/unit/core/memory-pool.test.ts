import { expect, test } from "vitest";
import { MemoryPool } from "../../../src/core/memory-pool.ts";

test("memory that was given back is used again; what is still held never is", () => {
  const pool = new MemoryPool(2);
  const [held, back] = [pool.take(100), pool.take(80)];
  pool.giveBack(back);
  const again = pool.take(50);
  expect(again.buffer).toBe(back.buffer);
  expect(again.length).toBe(50);
  expect(pool.take(50).buffer).not.toBe(held.buffer);
});

test("too small a piece is left alone, and no more pieces are kept than asked for", () => {
  const pool = new MemoryPool(1);
  const [small, large] = [pool.take(10), pool.take(20)];
  pool.giveBack(small);
  expect(pool.take(20).buffer).not.toBe(small.buffer);
  // The older piece goes.
  pool.giveBack(large);
  expect(pool.take(10).buffer).toBe(large.buffer);
  expect(pool.take(10).buffer).not.toBe(small.buffer);
});
