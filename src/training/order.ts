import { seededRandom } from "../core/random.ts";

/**
 * Which items the batches hold: every epoch is a new order of all of them, a pure function of seed and step, so a
 * resumed run needs no state. The last batch of an epoch is filled from the next one.
 *
 * @param step 1-based
 */
export const batchAt = (items: number, batch: number, step: number, seed: number): number[] => {
  const chosen: number[] = [];
  let epoch = -1;
  let order: number[] = [];
  for (let at = (step - 1) * batch; at < step * batch; at++) {
    const own = Math.floor(at / items);
    if (own !== epoch) {
      epoch = own;
      order = seededRandom(seed, "epoch", epoch).shuffled(Array.from({ length: items }, (_, i) => i));
    }
    chosen.push(order[at % items]!);
  }
  return chosen;
};
