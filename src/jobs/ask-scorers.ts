import { join } from "node:path";
import { cacheRoot } from "../core/cache-root.ts";
import { ConfigError } from "../core/errors.ts";
import { addExternalScores, withoutNumbers } from "../evaluation/external-scores.ts";
import type { EvaluationRecord } from "../evaluation/records.ts";
import { type Scorer, scorerRegistry } from "../evaluation/scorer.ts";
import type { JobContext } from "./job-context.ts";
import { aboutTime } from "./timetable.ts";

/** Scorers that were opened; close them. */
export interface OpenedScorers extends AsyncDisposable {
  readonly names: readonly string[];
  /** Metrics that read what they say. */
  readonly metrics: readonly string[];
  /** The records with what the scorers say; what failed is told, and has no number. */
  addTo(records: readonly EvaluationRecord[], context: JobContext): Promise<readonly EvaluationRecord[]>;
}

const closeAll = async (scorers: readonly Scorer[]): Promise<void> => {
  for (const scorer of scorers) await scorer[Symbol.asyncDispose]();
};

const announce = ({ name, estimate = {} }: Scorer, texts: number, context: JobContext): void => {
  const { secondsPerItem, costPerItem } = estimate;
  const time = secondsPerItem === undefined ? "" : `, about ${aboutTime(secondsPerItem * texts)}`;
  const cost = costPerItem === undefined ? "" : `, cost about ${(costPerItem * texts).toFixed(2)} at most`;
  context.progress(name, "texts").log(`${name}: up to ${texts} texts to score${time}${cost}`);
};

const ask = async (
  scorer: Scorer,
  records: readonly EvaluationRecord[],
  keep: boolean,
  context: JobContext,
): Promise<readonly EvaluationRecord[]> => {
  const { signal } = context;
  const open = records.filter(({ answerKind, outcome }) => answerKind === "open" && outcome !== "unscored");
  if (open.length === 0) {
    context.warn(`${scorer.name}: nothing to score: no answer is an open text with a published reference`);
    return records;
  }
  announce(scorer, open.length, context);
  const done = await addExternalScores(records, scorer, {
    ...(keep ? { folder: join(cacheRoot(), "scores") } : {}),
    signal,
    progress: context.progress(scorer.name, "texts"),
  });
  if (done.failed > 0)
    context.warn(
      `${scorer.name}: no number for ${done.failed} of ${done.asked + done.known} texts, so its metrics are not defined; the first: ${done.firstFailure}; the same command asks these again`,
    );
  return done.records;
};

/** Tells of numbers that are gone: answers that were asked again since a scorer saw them, which is not asked now. */
const tellUnasked = (
  records: readonly EvaluationRecord[],
  scorers: readonly Scorer[],
  context: JobContext,
): void => {
  for (const [name, count] of withoutNumbers(records))
    if (!scorers.some((scorer) => scorer.name === name))
      context.warn(
        `${name}: no number for ${count} answers that were given since it was asked, so its metrics are not defined; name its --scorer, too: it is asked about these only`,
      );
};

/**
 * Opens the scorers that a person names, each once. Only these are ever started or asked: a report reads records.
 *
 * @param keep whether verdicts are kept by content in the user's cache
 * @throws {UnknownNameError} for a scorer that is none
 * @throws {ConfigError} when one is not there, or two have one name
 */
export const openScorers = async (
  names: readonly string[],
  keep: boolean,
  signal: AbortSignal,
): Promise<OpenedScorers> => {
  const scorers: Scorer[] = [];
  try {
    for (const name of names) {
      const { value: open } = await scorerRegistry.choose(name);
      const scorer = await open({ signal });
      scorers.push(scorer);
      if (scorers.some((other) => other !== scorer && other.name === scorer.name))
        throw new ConfigError("two scorers of one name", { where: "--scorer", got: scorer.name });
    }
  } catch (error) {
    await closeAll(scorers);
    throw error;
  }
  return {
    names: scorers.map(({ name }) => name),
    metrics: scorers.flatMap(({ metrics }) => metrics),
    addTo: async (records, context) => {
      let scored = records;
      for (const scorer of scorers) scored = await ask(scorer, scored, keep, context);
      tellUnasked(scored, scorers, context);
      return scored;
    },
    [Symbol.asyncDispose]: () => closeAll(scorers),
  };
};
