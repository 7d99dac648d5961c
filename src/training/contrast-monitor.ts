/**
 * What contrast does on clips that are not trained on, and whether it is won by looking.
 *
 * Legend: C clips, D width of a state; h complete clips, a twins, t texts.
 */
import type { ContrastEncoding, SegmentTokens } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import type { HeldOutClip, TrainingClip } from "./clip.ts";
import type { Trainee } from "./loop.ts";
import { groupStates } from "./tapped-states.ts";

/** Where and how states are looked at. */
export interface MonitorOptions {
  readonly block: number;
  readonly temperature: number;
  readonly encoding: ContrastEncoding;
}

/** Text-to-video loss of a clip whose twin is the clip itself, in nats: what cannot be won by looking. */
export const sentinelFloor: number = Math.LN2;
/** Below the floor by more than rounding. */
const sentinelSlack = 1e-3;

/** True when a twin that is the clip itself is told apart from it. */
export const isSolvedWithoutLooking = (t2vOfSame: number): boolean =>
  t2vOfSame < sentinelFloor - sentinelSlack;

/** Of one clip: cosine of clip and twin, and how much nearer its text is to the clip than to the twin. */
export interface ClipContrast {
  readonly id: string;
  readonly cosine: number;
  readonly margin: number;
}

const cosines = (a: Float32Array, b: Float32Array, width: number): number[] =>
  Array.from({ length: a.length / width }, (_, c) => {
    let [dot, aa, bb] = [0, 0, 0];
    for (let i = c * width; i < (c + 1) * width; i++) {
      dot += a[i]! * b[i]!;
      aa += a[i]! * a[i]!;
      bb += b[i]! * b[i]!;
    }
    return dot / Math.sqrt(aa * bb);
  });

const chunk = 32;
const groups = ["complete", "absent", "keywords"];

/**
 * How every clip stands to a twin of it: each clip alone, so that its own twin is the only negative.
 *
 * @param twinOf the temporal steps of the twin that differ; empty: the twin is the clip itself
 */
export const contrastOf = async (
  { engine, rules, tokens }: Pick<Trainee, "engine" | "rules"> & { readonly tokens: SegmentTokens },
  clips: readonly TrainingClip[],
  twinOf: (index: number) => ReadonlyMap<number, Uint8Array>,
  { block, encoding }: Pick<MonitorOptions, "block" | "encoding">,
): Promise<ClipContrast[]> => {
  const result: ClipContrast[] = [];
  const states = groups.map((group) => ({ block, group }));
  for (let start = 0; start < clips.length; start += chunk) {
    const some = clips.slice(start, start + chunk);
    const rows = some.map((clip, i) => ({
      clip: clip.patches,
      texts: [],
      contrast: { absentSteps: twinOf(start + i), keywords: clip.keywords },
    }));
    const { batch } = segmentsBatch(rows, rules, { tokens, states, encoding });
    await using pass = await engine.forward([batch]);
    const [h, a, t] = groups.map((group) => groupStates([batch], pass.outputs, block, group));
    const width = h!.length / some.length;
    const own = cosines(t!, h!, width);
    const twin = cosines(t!, a!, width);
    cosines(h!, a!, width).forEach((cosine, i) => {
      result.push({ id: some[i]!.id, cosine, margin: own[i]! - twin[i]! });
    });
  }
  return result;
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** 1 where the text is nearer to the clip than to its twin, 1/2 where it is as near. */
export const winOf = ({ margin }: ClipContrast): number => (margin > 0 ? 1 : margin < 0 ? 0 : 0.5);

/**
 * Numbers about held-out clips, by the names that they are logged under:
 *
 * - `heldOut.cosine`: mean cos(h, a), a the true twin
 * - `heldOut.win`: share of clips whose text is nearer to the clip than to its true twin; a tie is half a win
 * - `heldOut.winFrozen`: the same with as many random frames frozen instead
 * - `heldOut.winGap`, `heldOut.winGapError`: their difference, paired by clip, and its standard error
 * - `heldOut.t2vSame`: text-to-video loss with a twin that is the clip itself, its only negative; in nats, never below
 *   ln 2 when only looking can win ({@link isSolvedWithoutLooking})
 *
 * Clips without twin or control are left out. @returns nothing for no clips
 */
export const monitorContrast = async (
  trainee: Pick<Trainee, "engine" | "rules" | "tokens">,
  heldOut: readonly HeldOutClip[],
  options: MonitorOptions,
): Promise<Record<string, number>> => {
  const paired = heldOut.filter(({ clip, frozenSteps }) => clip.absentSteps.size > 0 && frozenSteps.size > 0);
  if (paired.length === 0) return {};
  const clips = paired.map(({ clip }) => clip);
  const twins = await contrastOf(trainee, clips, (i) => clips[i]!.absentSteps, options);
  const frozen = await contrastOf(trainee, clips, (i) => paired[i]!.frozenSteps, options);
  const same = await contrastOf(trainee, clips, () => new Map(), options);
  const gaps = twins.map((twin, i) => winOf(twin) - winOf(frozen[i]!));
  const gap = mean(gaps);
  const squares = gaps.reduce((sum, one) => sum + (one - gap) ** 2, 0);
  return {
    "heldOut.clips": clips.length,
    "heldOut.cosine": mean(twins.map(({ cosine }) => cosine)),
    "heldOut.win": mean(twins.map(winOf)),
    "heldOut.winFrozen": mean(frozen.map(winOf)),
    "heldOut.winGap": gap,
    "heldOut.winGapError": Math.sqrt(squares / Math.max(1, gaps.length - 1) / gaps.length),
    "heldOut.t2vSame": mean(same.map(({ margin }) => Math.log1p(Math.exp(-margin / options.temperature)))),
  };
};
