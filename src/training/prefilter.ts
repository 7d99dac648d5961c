/** Prompts that need no evidence are left out before anything is trained. */
import { RunError } from "../core/errors.ts";
import type { Progress } from "../core/progress.ts";
import { seededRandom } from "../core/random.ts";
import { answerableWithoutEvidence } from "../objectives/refeed.ts";
import { type DrawOptions, drawAnswers, drawnAtOnce } from "./draw-answers.ts";
import type { PrefilterOptions } from "./grpo-options.ts";
import type { ComparedPrompt, PromptSource, Shown } from "./prompt-layout.ts";
import { type Asking, qualityOf } from "./rollout.ts";

/** What the filter depends on; nothing of it says how rewards become advantages. */
export interface PrefilterSettings extends Omit<DrawOptions, "completions"> {
  readonly steps: number;
  readonly promptsPerStep: number;
  readonly prefilter: PrefilterOptions;
  readonly seed: number;
}

/** Which prompts are trained on. */
export interface Prefiltered {
  /** Indices of prompts. */
  readonly kept: readonly number[];
  /** Prompts whose twin answers too; those that no step would reach are not looked at. */
  readonly answerable: number;
}

/** Whether each of some prompts is answered from its twin, by draws of their own. */
const answerable = async <P extends ComparedPrompt>(
  asking: Asking<P>,
  prompts: readonly P[],
  settings: PrefilterSettings,
  seed: string,
): Promise<boolean[]> => {
  const { draws, share } = settings.prefilter;
  const twins = prompts.flatMap((prompt): Shown<P>[] =>
    prompt.hasTwin === false ? [] : [{ prompt, side: "twin", refed: false }],
  );
  if (twins.length === 0) return prompts.map(() => false);
  const how = { ...settings, completions: draws };
  const length = asking.layout.promptLength(twins);
  const size = drawnAtOnce(twins.length, 1, length, how);
  const numbered = twins.map((shown, number) => ({ shown, number }));
  const drawn = await drawAnswers(asking, numbered, { size, length }, how, seed);
  const right: boolean[] = [];
  let next = 0;
  for (const { text, hasTwin } of prompts) {
    const own = hasTwin === false ? [] : drawn.get(next++)!;
    const quality = await Promise.all(own.map((one) => qualityOf(text, one, asking.judging)));
    right.push(answerableWithoutEvidence(quality, share));
  }
  return right;
};

/**
 * Looks at as many prompts in random order as the steps can reach and leaves out those that the model as it stands
 * answers from their twins. Controls, lambda and the advantage change nothing of it, so runs that differ in them train on
 * the same prompts.
 *
 * @throws {RunError} when there are none, or none is left
 */
export const prefilterPrompts = async <P extends ComparedPrompt>(
  asking: Asking<P>,
  source: PromptSource<P>,
  settings: PrefilterSettings,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<Prefiltered> => {
  const { steps, promptsPerStep, prefilter, seed } = settings;
  const { count } = source;
  if (count === 0)
    throw new RunError("no prompts to learn from", {
      expected: "closed questions about events, on clips that have a twin",
      hint: "make pairs with twins, or take more clips",
    });
  const order = seededRandom(seed, "prefilter").shuffled(Array.from({ length: count }, (_, at) => at));
  if (prefilter.draws === 0) return { kept: order, answerable: 0 };
  const needed = Math.min(count, steps * promptsPerStep);
  const kept: number[] = [];
  let [at, missing] = [0, 0];
  while (at < order.length && kept.length < needed) {
    signal.throwIfAborted();
    const looked = order.slice(at, at + promptsPerStep);
    const found = await Promise.all(looked.map((index) => source.prompt(index)));
    const some = looked.filter((_, i) => found[i] !== undefined);
    const shown = found.filter((prompt) => prompt !== undefined);
    missing += looked.length - some.length;
    const right =
      shown.length === 0 ? [] : await answerable(asking, shown, settings, `${seed}/prefilter/${at}`);
    kept.push(...some.filter((_, i) => !right[i]));
    at += looked.length;
    progress.update(0, steps, `${kept.length} prompts of ${at} need their evidence`);
  }
  if (kept.length === 0)
    throw new RunError("every prompt is answered rightly from its absent twin", {
      where: `${at - missing} prompts, ${prefilter.draws} draws each`,
      expected: `right in at most ${100 * prefilter.share} % of the draws`,
      hint: "check that the twins hide what is asked for, or raise prefilter.share",
    });
  return { kept, answerable: at - missing - kept.length };
};
