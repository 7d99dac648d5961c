/** What the losses of supervised fine-tuning are fed. */
import { ConfigError } from "../core/errors.ts";
import type { Feeds } from "../engine/take-step.ts";
import { hiddenScore } from "../model/position-tables.ts";
import type { LossTerm } from "../objectives/losses.ts";
import type { ContrastedClip } from "./clip.ts";
import type { MemoryQueue } from "./memory-queue.ts";

/** Scored rows of a batch: how many are learnt, and how many there are with padding. */
export interface ScoredCount {
  readonly scored: number;
  readonly rows: number;
}

/** Equal shares of every scored token of all batches; padding has none. */
const tokenWeights = (batches: readonly ScoredCount[]): Float32Array => {
  const share = 1 / batches.reduce((sum, { scored }) => sum + scored, 0);
  const weights = new Float32Array(batches.reduce((sum, { rows }) => sum + rows, 0));
  let at = 0;
  for (const { scored, rows } of batches) {
    weights.fill(share, at, at + scored);
    at += rows;
  }
  return weights;
};

/** A large negative number where a clip has no twin. */
const twinMask = (clips: readonly ContrastedClip[]): Float32Array =>
  Float32Array.from(clips, ({ absentSteps }) => (absentSteps.size > 0 ? 0 : hiddenScore));

/** Large negative numbers [C, C] where two clips have the same name. */
const equalMask = (names: readonly string[]): Float32Array => {
  const mask = new Float32Array(names.length ** 2);
  names.forEach((name, i) => {
    names.forEach((other, j) => {
      if (i !== j && name === other) mask[i * names.length + j] = hiddenScore;
    });
  });
  return mask;
};

const ownFeeds = ["weights", "twinMask", "textMask", "viewMask"];
const queueFeeds = [
  "queuedAbsent",
  "queuedViews",
  "queuedTexts",
  "queuedAbsentMask",
  "queuedViewMask",
  "queuedTextMask",
];

/** @throws {ConfigError} naming the loss that this loop cannot feed, and what it asks for */
export const checkSftFeeds = (losses: Readonly<Record<string, LossTerm>>): void => {
  const known = [...ownFeeds, ...queueFeeds];
  for (const [name, { feeds }] of Object.entries(losses)) {
    const strange = Object.keys(feeds).find((feed) => !known.includes(feed));
    if (strange !== undefined)
      throw new ConfigError("a loss asks for numbers that supervised fine-tuning does not have", {
        where: `losses.${name}`,
        expected: known.join(", "),
        got: strange,
        hint: "cross-entropy and contrastive go together; the recipe dpo has preference",
      });
  }
};

/** What an objective is fed over a step's batches. */
export const sftFeeds = (
  objective: LossTerm,
  batches: readonly ScoredCount[],
  seeing: readonly ContrastedClip[],
  queue: MemoryQueue | undefined,
): Feeds => {
  const all: Record<string, Float32Array> = {
    weights: tokenWeights(batches),
    twinMask: twinMask(seeing),
    textMask: equalMask(seeing.map(({ keywords }) => keywords.join(" "))),
    // A step that is filled from the next epoch, or that has more places than there are clips, has a clip twice.
    viewMask: equalMask(seeing.map(({ id }) => id)),
    ...queue?.feeds(seeing),
  };
  return Object.fromEntries(Object.keys(objective.feeds).map((name) => [name, all[name]!]));
};
