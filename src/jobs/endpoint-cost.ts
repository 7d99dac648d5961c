import type { EndpointEstimate } from "../core/endpoint-cost.ts";
import { VideoPerceiverError } from "../core/errors.ts";
import type { RelevanceEstimate } from "../selection/relevance.ts";
import type { Clips } from "./clips.ts";
import type { JobContext } from "./job-context.ts";
import type { OpenChoices } from "./make-pair.ts";
import { aboutTime } from "./timetable.ts";

const count = (value: number): string => Math.round(value).toLocaleString("en-US");

/** What asking takes at most, for a person. */
export const costInWords = ({
  promptTokens,
  completionTokens,
  cost,
  leastSeconds,
}: EndpointEstimate): string => {
  const money = cost > 0 ? `, cost at most ${cost.toFixed(2)}` : ", without a price";
  const time = leastSeconds > 0 ? `, at least ${aboutTime(leastSeconds)} at the rate that was given` : "";
  return `at most ${count(promptTokens)} tokens in, ${count(completionTokens)} out${money}${time}`;
};

/** The same of a relevance provider, in one line. */
export const relevanceCostInWords = (
  name: string,
  { requests, pictures, ...estimate }: RelevanceEstimate,
): string =>
  `relevance ${name}: at most ${count(requests)} requests with ${count(pictures)} pictures, ${costInWords(estimate)}; what was answered before is not asked again`;

/** A clip, and how often it is scored with words of its own. */
export interface ScoredClip {
  readonly file: string;
  readonly times: number;
}

/**
 * How many frames of clips are scored: each is probed, none decoded. Clips that cannot be read have none.
 *
 * @returns 0 without probing where the provider asks no endpoint
 */
export const askedFrames = async (
  { relevance, chooser }: Pick<OpenChoices, "relevance" | "chooser">,
  scored: readonly ScoredClip[],
  clips: Pick<Clips, "direct">,
  { signal }: Pick<JobContext, "signal">,
): Promise<number> => {
  if (relevance.made.value.estimate === undefined) return 0;
  let frames = 0;
  for (const { file, times } of scored) {
    try {
      const { timeline, durationSeconds } = await clips.direct.probe(file, signal);
      frames += times * chooser(timeline, durationSeconds).length;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
    }
  }
  return frames;
};

/** Tells before the first question what scoring so many frames takes, where an endpoint is asked. */
export const tellRelevanceCost = (
  { made }: OpenChoices["relevance"],
  frames: number,
  context: Pick<JobContext, "progress">,
): void => {
  const estimate = made.value.estimate?.(frames);
  if (estimate !== undefined)
    context.progress("relevance", "frames").log(relevanceCostInWords(made.recipe.name, estimate));
};
