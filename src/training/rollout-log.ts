/** What is written down of a step's roll-outs. */
import { meanOf } from "../objectives/group-statistics.ts";
import { refeedMetrics } from "../objectives/refeed.ts";
import type { RolloutRecord } from "../runs/run-folder.ts";
import type { Judged } from "./grpo-verdicts.ts";

/** The row of `rollouts.jsonl`. */
export const recordOf = (step: number, { group, verdicts, advantages, baseline }: Judged): RolloutRecord => ({
  step,
  sampleId: group.text.sampleId,
  prompt: group.text.question,
  reference: group.text.answer,
  complete: group.complete.map(({ text }, g) => ({
    text,
    rewards: verdicts[g]!.parts,
    advantages: { total: advantages[g]! },
    refeeds: group.refeeds[g]!.tries,
  })),
  absent: group.absent.map(({ text }) => ({ text, rewards: {} })),
  group: { baseline, quality: meanOf(group.firstQuality) },
});

const share = <T>(items: readonly T[], holds: (item: T) => boolean): number =>
  items.length === 0 ? 0 : items.filter(holds).length / items.length;

const isConstant = (values: ArrayLike<number>): boolean =>
  Array.from(values).every((value) => value === values[0]);

/** Means of the base reward's parts. */
const rewardParts = (judged: readonly Judged[]): Record<string, number> => {
  const all = judged.flatMap(({ verdicts }) => verdicts);
  const names = Object.keys(all[0]?.parts ?? {});
  return Object.fromEntries(
    names.map((name) => [`reward.${name}`, meanOf(all.map(({ parts }) => parts[name]!))]),
  );
};

/**
 * Numbers about a step's roll-outs. `quality`, `qualityAbsent` and `comparison` are of first completions, before any
 * refeed and before anything is chosen by them; so is `entropy`, the mean -log p of their drawn tokens, in nats.
 * `resampleRate` counts draws made again for each pair.
 */
export const rolloutMetrics = (judged: readonly Judged[], baseline: number): Record<string, number> => {
  const groups = judged.map(({ group }) => group);
  const refeeds = groups.flatMap((group) => group.refeeds);
  const { resamples, ...shares } = refeedMetrics(refeeds);
  const quality = meanOf(groups.flatMap(({ firstQuality }) => firstQuality));
  // Of those that have a twin; without any there is nothing to say.
  const compared = groups.filter(({ absent }) => absent.length > 0);
  const qualityOf = meanOf(compared.flatMap(({ firstQuality }) => firstQuality));
  const qualityAbsent = meanOf(
    compared.flatMap((group) => group.refeeds.map((state) => state.qualityAbsent)),
  );
  const advantages = judged.flatMap((one) => [...one.advantages]);
  const drawn = groups.flatMap(({ first }) => first);
  return {
    quality,
    ...(compared.length > 0 && { qualityAbsent, comparison: qualityOf - qualityAbsent }),
    baseReward: meanOf(judged.flatMap(({ verdicts }) => verdicts.map(({ total }) => total))),
    ...rewardParts(judged),
    baseline,
    entropy: -meanOf(drawn.flatMap(({ logprobs }) => [...logprobs])),
    zeroVarianceShare: share(judged, ({ verdicts }) => isConstant(verdicts.map(({ total }) => total))),
    sameQualityShare: share(groups, (group) => isConstant(group.firstQuality)),
    positiveShare: share(advantages, (one) => one > 0),
    negativeShare: share(advantages, (one) => one < 0),
    resamples,
    resampleRate: refeeds.length === 0 ? 0 : resamples / refeeds.length,
    ...shares,
  };
};
