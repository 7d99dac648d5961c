import type { TimeSpan } from "../core/units.ts";
import type { Timeline } from "../video/types.ts";
import type { Pair } from "./pair.ts";
import type { TwinView } from "./twin-view.ts";

/** How well key frames that were found agree with known events. */
export interface PairQuality {
  /** Share of key frames that lie in an event. */
  readonly hitRate: number;
  /** Share of sampled frames that lie in an event: what random key frames would hit. */
  readonly eventShare: number;
  /** Share of clips whose twin shows no frame of an event (of the sampled ones). */
  readonly eventGone: number;
  /** Share of sampled frames that are key. */
  readonly keyShare: number;
}

/** A pair beside what really happens in its clip. */
export interface KnownPair {
  readonly pair: Pick<Pair, "keyFrames">;
  readonly view: TwinView;
  /** Frames that a model would look at. */
  readonly looked: Timeline;
  readonly events: readonly TimeSpan[];
}

/** Compares found key frames with the truth. A blanked frame shows nothing of its event. */
export const pairQuality = (pairs: readonly KnownPair[]): PairQuality => {
  let [keys, hits, inside, looked, gone] = [0, 0, 0, 0, 0];
  for (const { pair, view, looked: frames, events } of pairs) {
    const eventFrames = new Set(
      frames.flatMap(({ index, timeSeconds }): number[] =>
        events.some(({ startSeconds, endSeconds }) => timeSeconds >= startSeconds && timeSeconds < endSeconds)
          ? [index]
          : [],
      ),
    );
    keys += pair.keyFrames.length;
    hits += pair.keyFrames.filter((index) => eventFrames.has(index)).length;
    looked += frames.length;
    inside += eventFrames.size;
    const showsEvent = (index: number): boolean => {
      const { source, pixels } = view.at(index);
      return pixels === null && eventFrames.has(source);
    };
    if (![...eventFrames].some(showsEvent)) gone++;
  }
  return {
    hitRate: hits / Math.max(1, keys),
    eventShare: inside / looked,
    eventGone: gone / pairs.length,
    keyShare: keys / looked,
  };
};
