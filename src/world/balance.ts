import { seededRandom } from "../core/random.ts";

/** Seed of a world. */
export type WorldSeed = number | string;

/**
 * The choice for item `index`: every block of `options.length` consecutive items uses every option once, in an order
 * of its own, so answers are exactly balanced over whole blocks and unpredictable inside one.
 */
export const balancedPick = <T>(
  seed: WorldSeed,
  purpose: string,
  index: number,
  options: readonly T[],
): T => {
  const block = Math.floor(index / options.length);
  const order = seededRandom("world", seed, purpose, block).shuffled(options);
  return order[index % options.length]!;
};

/** Which of `shares.length` groups item `index` is in, and its running number within that group. */
export const balancedGroup = (
  seed: WorldSeed,
  purpose: string,
  index: number,
  shares: readonly number[],
): { readonly group: number; readonly rank: number } => {
  const slots = shares.flatMap((share, group) => Array.from({ length: share }, () => group));
  const block = Math.floor(index / slots.length);
  const order = seededRandom("world", seed, purpose, block).shuffled(slots);
  const position = index % slots.length;
  const group = order[position]!;
  const before = order.slice(0, position).filter((other) => other === group).length;
  return { group, rank: block * shares[group]! + before };
};
