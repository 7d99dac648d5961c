import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, ShapeError } from "../core/errors.ts";
import { makeFolder, readJsonFile, sha256, writeFileAtomic } from "../core/files.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { Timeline } from "../video/types.ts";
import type { RelevanceContext } from "./relevance.ts";
import type { ChosenRelevance } from "./relevance-choice.ts";

/** What to score and where to keep the answer. */
export interface ScoreRequest {
  readonly relevance: ChosenRelevance;
  readonly timeline: Timeline;
  /** Opens the stream of frames; not called when the scores are known. */
  readonly frames: () => AsyncIterable<FrameBatch>;
  readonly keywords: readonly string[];
  readonly caption: string;
  readonly context: RelevanceContext;
  /** Names the pixels: the clip's content, the decoder, the decoded size. With `cacheFolder`, scores are kept by it. */
  readonly content: string;
  readonly cacheFolder?: string;
  /** Hears one line when the scores cannot be read from there or kept. */
  readonly onTrouble?: (line: string) => void;
}

/** Scores of a clip and how they came about. */
export interface ClipScores {
  readonly scores: Float64Array;
  readonly version: string;
  readonly cached: boolean;
}

const kept = z.object({ version: z.string(), scores: z.array(z.number()) });

/** What was kept of a clip; undefined when that is nothing, or damaged. */
const keptScores = (file: string, count: number): ClipScores | undefined => {
  if (!existsSync(file)) return undefined;
  try {
    const found = kept.safeParse(readJsonFile(file));
    if (!found.success || found.data.scores.length !== count) return undefined;
    return { scores: Float64Array.from(found.data.scores), version: found.data.version, cached: true };
  } catch {
    return undefined;
  }
};

/**
 * One score a frame of `timeline`, from the cache when the same content was scored the same way before.
 *
 * @throws {ShapeError} when the provider gives another number of scores
 */
export const scoreClip = async (request: ScoreRequest): Promise<ClipScores> => {
  const { definition, made } = request.relevance;
  const file =
    request.cacheFolder === undefined ? undefined : join(request.cacheFolder, `${scoreKey(request)}.json`);
  const known = file === undefined ? undefined : keptScores(file, request.timeline.length);
  if (known !== undefined) return known;
  const scores = await made.value.score({
    frames: request.frames(),
    timeline: request.timeline,
    keywords: request.keywords,
    caption: request.caption,
    context: request.context,
  });
  if (scores.length !== request.timeline.length)
    throw new ShapeError("relevance scores", {
      where: made.recipe.name,
      expected: `${request.timeline.length}, one a frame`,
      got: String(scores.length),
    });
  const version = made.value.version();
  const cachable = definition.remembers !== false;
  if (file !== undefined && cachable) {
    try {
      makeFolder(request.cacheFolder!);
      writeFileAtomic(file, JSON.stringify({ version, scores: [...scores] }));
    } catch (error) {
      request.onTrouble?.(`scores are not kept: ${messageOf(error)}`);
    }
  }
  return { scores, version, cached: false };
};

/** Content address of a clip's scores. */
export const scoreKey = (request: ScoreRequest): string => {
  const { definition, made } = request.relevance;
  return sha256(
    JSON.stringify([
      "scores@2",
      request.content,
      made.recipe,
      definition.version,
      // A person's own plug-in changes more often than its version.
      definition.create.toString(),
      definition.usesText ? [request.keywords, request.caption] : [],
      request.context.spans ?? [],
      request.timeline.map(({ index, timeSeconds }) => [index, timeSeconds]),
    ]),
  );
};
