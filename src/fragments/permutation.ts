import type { Random } from "../core/random.ts";

const isIn = (orders: readonly (readonly number[])[], order: readonly number[]): boolean =>
  orders.some((one) => one.join() === order.join());

/**
 * An order of `count` frames that is not the true one, uniformly among those that are left: `order[place]` is the frame
 * that is shown at a place.
 *
 * @param excludeReversal also leave out the reversed order (which many motions look natural in); needs three frames
 */
export const wrongOrder = (count: number, random: Random, excludeReversal: boolean): number[] => {
  const inOrder = Array.from({ length: count }, (_, at) => at);
  const excluded = [inOrder, ...(excludeReversal && count > 2 ? [inOrder.toReversed()] : [])];
  for (;;) {
    const order = random.shuffled(inOrder);
    if (!isIn(excluded, order)) return order;
  }
};

/** The answer that puts an order right: for each true position the 1-based place where its frame is shown. */
export const restoringAnswer = (order: readonly number[]): string =>
  order.map((_, frame) => order.indexOf(frame) + 1).join(",");
