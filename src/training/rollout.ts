/**
 * Roll-outs of Comparative GRPO: completions of the same question from the complete clip and from its absent twin, and
 * once more with an instruction where the complete clip did not win.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */

import type { DrawnUnder } from "../batch/token-batch.ts";
import type { EntailmentDirection, EntailmentModel } from "../grading/entailment.ts";
import { answerQuality } from "../objectives/quality.ts";
import {
  advanceRefeed,
  type RefeedPolicy,
  type RefeedState,
  startRefeed,
  uncompared,
} from "../objectives/refeed.ts";
import type { ControlName } from "./grpo-controls.ts";
import type { Trainee } from "./loop.ts";
import type { AskedText, ComparedPrompt, Drawn, PromptLayout, Shown, ShownSide } from "./prompt-layout.ts";

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

/** How completions are drawn. */
export interface DrawOptions {
  readonly completions: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
}

/** How completions are drawn, drawn again, and from what instead under a control. */
export interface RolloutOptions extends DrawOptions, Pick<RefeedPolicy, "onExhausted"> {
  readonly refeedTries: number;
  readonly control: ControlName;
  readonly seed: number;
}

/** The distribution that completions are drawn from, and that they must be scored under. */
export const drawnUnder = ({ rules }: Pick<Trainee, "rules">, temperature: number): DrawnUnder => ({
  temperature,
  bannedTokens: rules.visualTokenIds,
});

/** Draws completions of every prompt behind what it shows, all at once: steps that several show are encoded once. */
export const drawAnswers = async <P extends ComparedPrompt>(
  { trainee, layout, judging }: Asking<P>,
  shown: readonly Shown<P>[],
  options: DrawOptions,
  seed: string,
): Promise<Drawn[][]> => {
  const { batch, nextPositions } = layout.prompts(shown);
  const drawn = await trainee.engine.sample({
    batch,
    nextPositions,
    completions: options.completions,
    maxNewTokens: options.maxNewTokens,
    ...drawnUnder(trainee, options.temperature),
    stopTokens: [judging.endToken],
    seed,
  });
  return drawn.map((group, row) => {
    const { refed } = shown[row]!;
    return group.map((completion) => ({ ...completion, text: judging.decode(completion.tokens), refed }));
  });
};

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
  const show = (side: ShownSide, refed: boolean, some: readonly P[] = prompts): Shown<P>[] =>
    some.map((prompt) => ({ prompt, side, refed }));
  const twinned = prompts.filter(({ hasTwin }) => hasTwin !== false);
  const both = [...show("compared", false, twinned), ...show("clip", instructed)];
  const drawn = await drawAnswers(asking, both, options, seedOf("both"));
  const complete = drawn.slice(twinned.length);
  let groups: Group<P>[] = [];
  for (const [p, prompt] of prompts.entries()) {
    const judge = (drawn: Drawn): Promise<number> => qualityOf(prompt.text, drawn, judging);
    const quality = await Promise.all(complete[p]!.map(judge));
    const twin = twinned.indexOf(prompt);
    const absent = twin < 0 ? [] : drawn[twin]!;
    const qualityAbsent = await Promise.all(absent.map(judge));
    const refeeds = quality.map((first, g) =>
      twin < 0 ? uncompared(first) : startRefeed(first, qualityAbsent[g]!, policy),
    );
    const pair = { complete: complete[p]!, first: complete[p]!, absent };
    groups.push({ ...prompt, ...pair, refeeds, quality, firstQuality: quality });
  }
  for (let attempt = 0; attempt < policy.maxTries; attempt++) {
    if (!groups.some(({ refeeds }) => refeeds.some(({ status }) => status === "resample"))) break;
    const again = await drawAnswers(asking, show("clip", true), options, seedOf(`refeed ${attempt}`));
    const next: Group<P>[] = [];
    for (const [p, group] of groups.entries())
      next.push(await refeedGroup(group, again[p]!, judging, policy));
    groups = next;
  }
  return groups;
};
