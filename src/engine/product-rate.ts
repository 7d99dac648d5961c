import { nowMilliseconds } from "../core/progress.ts";
import { input } from "../graph/ops/inputs.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { Executable, tensorOf } from "./executable.ts";

const [side, rounds] = [1024, 12];

/** Additions and multiplications a second of a product of two 1024 x 1024 matrices in the runtime: the best of 12. */
export const productRate = async (threads: number): Promise<number> => {
  const [a, b] = [input("a", [side, side]), input("b", [side, side])];
  const product = await Executable.compile({ y: matmul(a, b) }, { threads });
  const numbers = new Float32Array(side * side).fill(0.5);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = nowMilliseconds();
    await product.run({ a: tensorOf(numbers, [side, side]), b: tensorOf(numbers, [side, side]) });
    best = Math.min(best, nowMilliseconds() - start);
  }
  await product.release();
  return (2 * side ** 3) / (best / 1000);
};
