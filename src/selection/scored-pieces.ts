import { ShapeError } from "../core/errors.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { RelevanceRequest } from "./relevance.ts";

/**
 * The scores of a stream of frames, from a function that scores one piece. Checks the number of scores and that all
 * are finite, so that a broken back end cannot shift a curve.
 *
 * @throws {ShapeError} when a piece gets too few or too many scores, or the stream is not as long as the timeline
 */
export const scoredInPieces = async (
  request: RelevanceRequest,
  score: (batch: FrameBatch) => Promise<ArrayLike<number>>,
): Promise<Float64Array> => {
  const result = new Float64Array(request.timeline.length);
  let at = 0;
  for await (const batch of request.frames) {
    request.context.signal?.throwIfAborted();
    const scores = await score(batch);
    const count = batch.frames.length;
    if (scores.length !== count || at + count > result.length)
      throw new ShapeError("relevance scores", {
        expected: `${count} for ${count} frames, ${result.length} in all`,
        got: `${scores.length}`,
      });
    for (let i = 0; i < count; i++) {
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
