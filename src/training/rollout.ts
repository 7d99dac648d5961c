/**
 * Roll-outs of Comparative GRPO: completions of the same question from the complete clip and from its absent twin, and
 * once more with an instruction where the complete clip did not win.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */

import type { Rollouts } from "../engine/rollouts.ts";
import type { EntailmentDirection, EntailmentModel } from "../grading/entailment.ts";
import { answerQuality } from "../objectives/quality.ts";
import {
  advanceRefeed,
  type RefeedPolicy,
  type RefeedState,
  startRefeed,
  uncompared,
} from "../objectives/refeed.ts";
import { type DrawOptions, drawAnswers, drawnAtOnce, type NumberedPrompt } from "./draw-answers.ts";
import type { ControlName } from "./grpo-controls.ts";
import type { Trainee } from "./loop.ts";
import type { AskedText, ComparedPrompt, Drawn, PromptLayout, Shown } from "./prompt-layout.ts";

/** How completions are read, and what judges them. */
export interface Judging {
  readonly decode: (tokens: readonly number[]) => string;
  /** Ends a completion. */
  readonly endToken: number;
  /** What judges open answers, and in which direction. */
  readonly entailment: EntailmentModel;
  readonly direction?: EntailmentDirection;
}

/** A model with its prompts laid out. */
export interface Asking<P extends ComparedPrompt> {
  readonly trainee: Pick<Trainee, "engine" | "rules">;
  readonly layout: PromptLayout<P>;
  readonly judging: Judging;
  /** Draws instead of the engine; its log-probabilities are another program's. */
  readonly rollouts?: Pick<Rollouts, "sample"> | undefined;
}

/** One group: the completions of a prompt on both clips, with everything the advantage needs. */
export type Group<P extends ComparedPrompt = ComparedPrompt> = P & {
  /** [G] What is trained on: a refed completion where that one won, else the first. */
  readonly complete: readonly Drawn[];
  /** [G] The first completions of the complete clip, before any refeed and before anything was chosen. */
  readonly first: readonly Drawn[];
  readonly absent: readonly Drawn[];
  readonly refeeds: readonly RefeedState[];
  /** [G] Quality of the first completions, before any refeed. */
  readonly firstQuality: readonly number[];
  /** [G] Quality of the completions that are trained on. */
  readonly quality: readonly number[];
};

/** How completions are drawn, drawn again, and from what instead under a control. */
export interface RolloutOptions extends DrawOptions, Pick<RefeedPolicy, "onExhausted"> {
  readonly refeedTries: number;
  readonly control: ControlName;
  readonly seed: number;
}

/** Q of a completion. */
export const qualityOf = (
  text: AskedText,
  drawn: Drawn,
  { entailment, direction }: Pick<Judging, "entailment" | "direction">,
): Promise<number> => answerQuality(text, drawn.text, entailment, direction);

/** Accepts what was drawn again where it wins; a pair that goes on losing keeps its first completion, and its quality. */
const refeedGroup = async <P extends ComparedPrompt>(
  group: Group<P>,
  again: readonly Drawn[],
  judging: Judging,
  policy: RefeedPolicy,
): Promise<Group<P>> => {
  const complete = [...group.complete];
  const quality = [...group.quality];
  const refeeds = [...group.refeeds];
  for (const [g, state] of group.refeeds.entries()) {
    if (state.status !== "resample") continue;
    const drawn = again[g]!;
    const next = advanceRefeed(state, await qualityOf(group.text, drawn, judging), policy);
    refeeds[g] = next;
    if (next.status !== "accepted") continue;
    complete[g] = drawn;
    quality[g] = next.quality;
  }
  return { ...group, complete, quality, refeeds };
};

/**
 * The groups of some prompts, a pure function of weights, seed and step.
 *
 * @param compares false: nothing is drawn again, since nothing would come of it
 * @source VideoPerceiver, second stage: sampling from both clips and refeed, reconstructed from the prose
 */
export const rollOut = async <P extends ComparedPrompt>(
  asking: Asking<P>,
  prompts: readonly P[],
  options: RolloutOptions,
  step: number,
  compares: boolean,
): Promise<readonly Group<P>[]> => {
  const { seed, onExhausted, control } = options;
  const { judging } = asking;
  const instructed = control === "instruction-only";
  const policy = { maxTries: compares && !instructed ? options.refeedTries : 0, onExhausted };
  const seedOf = (what: string): string => [seed, "rollout", step, what].join("/");
  const twinned = prompts.filter(({ hasTwin }) => hasTwin !== false);
  const compared = twinned.map((prompt, number): NumberedPrompt<P> => {
    return { shown: { prompt, side: "compared", refed: false }, number };
  });
  const seen = prompts.map((prompt, p): NumberedPrompt<P> => {
    return { shown: { prompt, side: "clip", refed: instructed }, number: twinned.length + p };
  });
  const length = asking.layout.promptLength([...compared, ...seen].map(({ shown }) => shown));
  // Both sides of a pair stand in one piece: the steps that they share are encoded once.
  const sides = prompts.flatMap((prompt, p) => [
    ...compared.filter(({ shown }) => shown.prompt === prompt),
    seen[p]!,
  ]);
  const together = twinned.length === prompts.length ? 2 : 1;
  const size = drawnAtOnce(sides.length, together, length, options);
  const drawn = await drawAnswers(asking, sides, { size, length }, options, seedOf("both"));
  const complete = prompts.map((_, p) => drawn.get(twinned.length + p)!);
  let groups: Group<P>[] = [];
  for (const [p, prompt] of prompts.entries()) {
    const judge = (drawn: Drawn): Promise<number> => qualityOf(prompt.text, drawn, judging);
    const quality = await Promise.all(complete[p]!.map(judge));
    const twin = twinned.indexOf(prompt);
    const absent = twin < 0 ? [] : drawn.get(twin)!;
    const qualityAbsent = await Promise.all(absent.map(judge));
    const refeeds = quality.map((first, g) =>
      twin < 0 ? uncompared(first) : startRefeed(first, qualityAbsent[g]!, policy),
    );
    const pair = { complete: complete[p]!, first: complete[p]!, absent };
    groups.push({ ...prompt, ...pair, refeeds, quality, firstQuality: quality });
  }
  const refed = prompts.map((prompt): Shown<P> => ({ prompt, side: "clip", refed: true }));
  for (let attempt = 0; attempt < policy.maxTries; attempt++) {
    const losing = refed.flatMap((shown, number) =>
      groups[number]!.refeeds.some(({ status }) => status === "resample") ? [{ shown, number }] : [],
    );
    if (losing.length === 0) break;
    const longest = asking.layout.promptLength(refed);
    const again = drawnAtOnce(prompts.length, 1, longest, options);
    const place = { size: again, length: longest };
    const answers = await drawAnswers(asking, losing, place, options, seedOf(`refeed ${attempt}`));
    groups = await Promise.all(
      groups.map(async (group, p) => {
        const own = answers.get(p);
        return own === undefined ? group : refeedGroup(group, own, judging, policy);
      }),
    );
  }
  return groups;
};
