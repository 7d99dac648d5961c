/**
 * Whether the pictures reach the model at all: how probable reference answers are with the clip, with its pictures hidden,
 * and with another clip's pictures in their places.
 */
import { type BatchRules, visualTokensOfStep } from "../batch/batch-rules.ts";
import type { MediaStep } from "../batch/media-step.ts";
import { blankSource, paddingSegment, type TokenBatch } from "../batch/token-batch.ts";
import type { CallOptions, Engine } from "../engine/contract.ts";

/** A batch whose first `scored` scored rows are reference answers; rows behind them are padding. */
export interface ScoredBatch {
  readonly batch: TokenBatch;
  readonly scored: number;
}

/** What is logged; `looks/other` is missing where no clip has another one of its size beside it. */
export interface PictureLooks {
  /** Mean log-probability of a token of the reference answers, in nats. */
  readonly "looks/clip": number;
  readonly "looks/hidden": number;
  /** With the difference that it makes where the pictures can be exchanged. */
  readonly "looks/other"?: number;
}

/** The batch with all pictures hidden: zeros stand where their visual tokens stood. */
export const hiddenPictures = (batch: TokenBatch): TokenBatch => ({
  ...batch,
  source: batch.source.map((source) => (source >= 0 ? blankSource : source)),
  scale: undefined,
});

/** A step somewhere among batches, and the conversations that show it. */
interface ShownStep {
  readonly step: MediaStep;
  readonly owners: Set<string>;
}

/** The conversation that a segment belongs to: the segment from which it goes on. */
const rootOf = ({ parents }: TokenBatch, segment: number): number => {
  let root = segment;
  while (parents[root]! >= 0) root = parents[root]!;
  return root;
};

/** The steps of a batch with who shows them. */
const shownSteps = (batch: TokenBatch, name: number, rules: BatchRules): ShownStep[] => {
  const stepOf: number[] = [];
  batch.media.forEach(({ rows, columns }, i) => {
    for (let unit = 0; unit < visualTokensOfStep(rows, columns, rules); unit++) stepOf.push(i);
  });
  const shown = batch.media.map((step) => ({ step, owners: new Set<string>() }));
  batch.source.forEach((source, row) => {
    const segment = batch.segments[row]!;
    if (source >= 0 && segment !== paddingSegment)
      shown[stepOf[source]!]!.owners.add(`${name} ${rootOf(batch, segment)}`);
  });
  return shown;
};

/**
 * Batches with the pictures of other clips of the same size in their places, taken from all of them; undefined for a batch
 * some picture of which no other clip can stand for.
 */
export const otherPictures = (
  batches: readonly TokenBatch[],
  rules: BatchRules,
): (TokenBatch | undefined)[] => {
  const shown = batches.map((batch, i) => shownSteps(batch, i, rules));
  const all = shown.flat().filter(({ owners }) => owners.size > 0);
  const contents = new Map<string, Set<string>>();
  for (const { step, owners } of all)
    for (const owner of owners) contents.set(owner, (contents.get(owner) ?? new Set()).add(step.content));
  const standIn = (one: ShownStep): MediaStep | undefined => {
    const own = [...one.owners].map((owner) => contents.get(owner)!);
    const fits = ({ step }: ShownStep): boolean =>
      step.rows === one.step.rows &&
      step.columns === one.step.columns &&
      step.form === one.step.form &&
      own.every((known) => !known.has(step.content));
    // From behind the clip's own steps on, so that its steps in order become another clip's in order.
    const start = all.indexOf(one) + own[0]!.size;
    for (let i = 0; i < all.length; i++) {
      const candidate = all[(start + i) % all.length]!;
      if (fits(candidate)) return candidate.step;
    }
    return undefined;
  };
  return batches.map((batch, i) => {
    const exchanged = shown[i]!.map((one) => (one.owners.size === 0 ? one.step : standIn(one)));
    const media = exchanged.filter((step) => step !== undefined);
    const hasPictures = shown[i]!.some(({ owners }) => owners.size > 0);
    return hasPictures && media.length === exchanged.length ? { ...batch, media } : undefined;
  });
};

const sumOfScored = async (
  engine: Engine,
  { batch, scored }: ScoredBatch,
  options: CallOptions,
): Promise<number> => {
  await using pass = await engine.forward([batch], options);
  return pass.outputs[0]!.tokenLogprobs.subarray(0, scored).reduce((sum, logprob) => sum + logprob, 0);
};

/**
 * Looks at held-out batches three times. Costs three forward passes each.
 *
 * @returns undefined where nothing is scored
 */
export const lookAtPictures = async (
  engine: Engine,
  held: readonly ScoredBatch[],
  rules: BatchRules,
  options: CallOptions = {},
): Promise<PictureLooks | undefined> => {
  const exchanged = otherPictures(
    held.map(({ batch }) => batch),
    rules,
  );
  const total = held.reduce((sum, { scored }) => sum + scored, 0);
  if (total === 0) return undefined;
  let [clip, hidden, difference, compared] = [0, 0, 0, 0];
  for (const [i, { batch, scored }] of held.entries()) {
    const own = await sumOfScored(engine, { batch, scored }, options);
    clip += own;
    hidden += await sumOfScored(engine, { batch: hiddenPictures(batch), scored }, options);
    const other = exchanged[i];
    if (other === undefined) continue;
    difference += (await sumOfScored(engine, { batch: other, scored }, options)) - own;
    compared += scored;
  }
  return {
    "looks/clip": clip / total,
    "looks/hidden": hidden / total,
    ...(compared > 0 && { "looks/other": clip / total + difference / compared }),
  };
};

/** Log-probabilities nearer than this are the same, in nats. */
const sameWithin = 1e-6;

/** What is wrong with how a model looks; undefined: its answers depend on the pictures. */
export const blindness = (looks: PictureLooks): string | undefined => {
  const { "looks/clip": clip, "looks/hidden": hidden, "looks/other": other } = looks;
  const same = [
    ...(Math.abs(clip - hidden) <= sameWithin ? ["with hidden pictures"] : []),
    ...(other !== undefined && Math.abs(clip - other) <= sameWithin ? ["with another clip's pictures"] : []),
  ];
  if (same.length === 0) return undefined;
  return `the pictures do not reach the model: the reference answers are as probable ${same.join(" and ")} as with the clip (${clip.toFixed(6)} nats a token)`;
};
