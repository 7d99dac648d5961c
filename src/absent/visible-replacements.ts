import { VideoError } from "../core/errors.ts";
import type { TimeSpan } from "../core/units.ts";
import type { Timeline } from "../video/types.ts";
import type { Decision } from "./decision.ts";
import type { FramePrints } from "./frame-prints.ts";
import { framesInside } from "./lost-events.ts";
import type { Pair, Replacement } from "./pair.ts";
import { spreadReplacements } from "./spread.ts";

/** What is known when the frames of a clip are chosen that its twin changes. */
export interface VisibilityRequest {
  /** The clip, for messages. */
  readonly file: string;
  /** All frames of the clip, and those of them that were scored. */
  readonly full: Timeline;
  readonly sampled: Timeline;
  readonly decision: Decision;
  /** Only frames inside these spans are replaced; each of them is compared for itself. */
  readonly bounds?: readonly TimeSpan[];
  readonly prints: FramePrints;
  /** Give none instead of an error when nothing is left to take away. */
  readonly allowNothing: boolean;
  readonly signal?: AbortSignal;
}

/** The replacements of the clip's frames, and how many more would have changed nothing. */
export interface VisibleReplacements {
  readonly replacements: Pair["replacements"];
  readonly unchanged: number;
}

/**
 * A decision's replacements among all frames of the clip, without those that change no picture. They are spread first:
 * a scored frame may look like its source while frames that it stands for do not. Without bounds, what a scored frame
 * stands for goes whole when the frame itself changes; else each of these frames is compared.
 *
 * @throws {VideoError} when nothing is left to take away, or the clip cannot be decoded
 */
export const visibleReplacements = async (request: VisibilityRequest): Promise<VisibleReplacements> => {
  const { full, sampled, decision, bounds, prints, allowNothing, signal } = request;
  const inside = bounds && framesInside(full, bounds);
  const spread = spreadReplacements(full, sampled, decision.replacements).filter(
    ({ index }) => inside?.has(index) !== false,
  );
  /** Frames that show something else; `unknown`: what is said of one that cannot be had. */
  const differ = async (some: readonly Replacement[], unknown: boolean): Promise<Set<number>> => {
    const swapped = some.filter(({ index, from }) => index !== from);
    await prints.complete(
      swapped.flatMap(({ index, from }) => [index, from]),
      signal,
    );
    const changes = ({ index, from }: Replacement): boolean =>
      index === from || !(prints.same(index, from) ?? !unknown);
    return new Set(some.filter(changes).map(({ index }) => index));
  };
  const compared = async (): Promise<Set<number>> => {
    if (bounds !== undefined) return differ(spread, true);
    const scored = new Set(sampled.map(({ index }) => index as number));
    const changed = await differ(
      spread.filter(({ index }) => scored.has(index)),
      true,
    );
    const goesWhole = new Set<number>();
    let whole = decision.replacements[0]?.position === 0 && changed.has(sampled[0]!.index);
    for (const { index } of spread) {
      if (scored.has(index)) whole = changed.has(index);
      if (whole) goesWhole.add(index);
    }
    const doubtful = await differ(
      spread.filter(({ index }) => !goesWhole.has(index)),
      false,
    );
    return new Set([...goesWhole, ...doubtful]);
  };
  const visible = await compared();
  const replacements = spread.filter(({ index }) => visible.has(index));
  if (replacements.length === 0 && !allowNothing)
    throw new VideoError("nothing to take away", {
      where: request.file,
      expected: "key frames that differ from the frame shown instead",
      got: `${decision.keyFrames.length} key frames among ${sampled.length} scored, none of which changes the picture`,
      hint: "try another --fps, --relevance or --builder",
    });
  return { replacements, unchanged: spread.length - replacements.length };
};
