import { ShapeError } from "../core/errors.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { regrouped } from "../frames/regroup.ts";
import type { RelevanceRequest } from "./relevance.ts";

/** Frames that are scored at once: pieces are of this size however the stream is cut, so scores do not depend on it. */
const pieceFrames = 32;

/**
 * The scores of a stream of frames, from a function that scores one piece. Checks the number of scores and that all
 * are finite, so that a broken back end cannot shift a curve.
 *
 * @param score gets the piece with what is around it, and where in there the piece is: scores elsewhere are not looked at
 * @param reach frames around a frame that its score depends on
 * @throws {ShapeError} when a piece gets too few or too many scores, or the stream is not as long as the timeline
 */
export const scoredInPieces = async (
  request: RelevanceRequest,
  score: (batch: FrameBatch, first: number, count: number) => Promise<ArrayLike<number>>,
  reach = 0,
): Promise<Float64Array> => {
  const result = new Float64Array(request.timeline.length);
  let at = 0;
  for await (const { batch, first, count } of regrouped(request.frames, pieceFrames, reach)) {
    request.context.signal?.throwIfAborted();
    const scores = await score(batch, first, count);
    const given = batch.frames.length;
    if (scores.length !== given || at + count > result.length)
      throw new ShapeError("relevance scores", {
        expected: `${given} for ${given} frames, ${result.length} in all`,
        got: `${scores.length}`,
      });
    for (let i = first; i < first + count; i++) {
      const value = scores[i]!;
      if (!Number.isFinite(value))
        throw new ShapeError("relevance score is not a number", {
          where: `frame ${batch.frames[i]!.index}`,
          got: String(value),
        });
      result[at++] = value;
    }
    request.context.progress?.update(at, result.length, "scored");
  }
  if (at !== result.length)
    throw new ShapeError("relevance scores", { expected: `${result.length} frames`, got: `${at}` });
  return result;
};
