/**
 * Roll-outs of Comparative GRPO: completions of the same question from the complete clip and from its absent twin, and
 * once more with an instruction where the complete clip did not win.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */

import type { ClipSegments } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import type { DrawnUnder } from "../batch/token-batch.ts";
import { seededRandom } from "../core/random.ts";
import type { Completion } from "../engine/contract.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import type { EntailmentDirection, EntailmentModel } from "../grading/entailment.ts";
import { answerQuality } from "../objectives/quality.ts";
import { advanceRefeed, type RefeedPolicy, type RefeedState, startRefeed } from "../objectives/refeed.ts";
import type { TrainingClip, TrainingText } from "./clip.ts";
import { type ControlName, twinPatches } from "./grpo-controls.ts";
import type { Trainee } from "./loop.ts";

/** What the loop needs to know about words. */
export interface Language {
  readonly decode: (tokens: readonly number[]) => string;
  /** Ends a completion. */
  readonly endToken: number;
  /** The instruction that a refeed appends to the question. */
  readonly refeedInstruction: readonly number[];
}

/** What a roll-out knows besides: what judges open answers, and in which direction. */
export interface JudgingLanguage extends Language {
  readonly entailment: EntailmentModel;
  readonly direction?: EntailmentDirection;
}

/** A clip and one of its questions. */
export interface Prompt {
  readonly clip: TrainingClip;
  readonly text: TrainingText;
}

/** A completion and whether the prompt that it answered carried the instruction. */
export interface Drawn extends Completion {
  readonly text: string;
  readonly refed: boolean;
}

/** One group: the completions of a prompt on both clips, with everything the advantage needs. */
export interface Group extends Prompt {
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
}

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

/** The prompt's tokens as they were answered. */
export const answeredPrompt = (text: TrainingText, refed: boolean, language: Language): number[] => [
  ...text.prompt,
  ...(refed ? language.refeedInstruction : []),
];

/** The distribution that completions are drawn from, and that they must be scored under. */
export const drawnUnder = ({ rules }: Pick<Trainee, "rules">, temperature: number): DrawnUnder => ({
  temperature,
  bannedTokens: rules.visualTokenIds,
});

/** What a draw shows; refed: the instruction stands behind the question. */
export interface Shown extends Pick<Prompt, "text"> {
  readonly patches: ClipPatches;
  readonly refed: boolean;
}

/** Draws completions of every prompt behind what it shows, all at once: steps that several show are encoded once. */
export const drawAnswers = async (
  trainee: Trainee,
  shown: readonly Shown[],
  options: DrawOptions,
  language: Language,
  seed: string,
): Promise<Drawn[][]> => {
  const rows = shown.map(({ patches, text, refed }): ClipSegments => {
    const tokens = answeredPrompt(text, refed, language);
    return { clip: patches, texts: [{ tokens, scoredFrom: tokens.length, next: true }] };
  });
  const { engine, rules, tokens: frame } = trainee;
  const { batch, ends } = segmentsBatch(rows, rules, { tokens: frame, prefill: true });
  const drawn = await engine.sample({
    batch,
    nextPositions: ends.map(({ nextPosition }) => nextPosition),
    completions: options.completions,
    maxNewTokens: options.maxNewTokens,
    ...drawnUnder(trainee, options.temperature),
    stopTokens: [language.endToken],
    seed,
  });
  return drawn.map((group, row) => {
    const { refed } = shown[row]!;
    return group.map((completion) => ({ ...completion, text: language.decode(completion.tokens), refed }));
  });
};

/** Q of a completion. */
export const qualityOf = (
  text: TrainingText,
  drawn: Drawn,
  { entailment, direction }: Pick<JudgingLanguage, "entailment" | "direction">,
): Promise<number> => answerQuality(text, drawn.text, entailment, direction);

/** Accepts what was drawn again where it wins; a pair that goes on losing keeps its first completion, and its quality. */
const refeedGroup = async (
  group: Group,
  again: readonly Drawn[],
  language: JudgingLanguage,
  policy: RefeedPolicy,
): Promise<Group> => {
  const complete = [...group.complete];
  const quality = [...group.quality];
  const refeeds = [...group.refeeds];
  for (const [g, state] of group.refeeds.entries()) {
    if (state.status !== "resample") continue;
    const drawn = again[g]!;
    const next = advanceRefeed(state, await qualityOf(group.text, drawn, language), policy);
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
export const rollOut = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  options: RolloutOptions,
  language: JudgingLanguage,
  step: number,
  compares: boolean,
): Promise<readonly Group[]> => {
  const { seed, onExhausted, control } = options;
  const instructed = control === "instruction-only";
  const policy = { maxTries: compares && !instructed ? options.refeedTries : 0, onExhausted };
  const seedOf = (what: string): string => [seed, "rollout", step, what].join("/");
  const own = (refed: boolean): Shown[] =>
    prompts.map(({ clip, text }) => ({ text, patches: clip.patches, refed }));
  const twins = prompts.map(({ clip, text }): Shown => {
    const random = seededRandom(seed, "freeze", clip.id);
    return { text, patches: twinPatches(control, clip, random), refed: false };
  });
  const both = [...twins, ...own(instructed)];
  const drawn = await drawAnswers(trainee, both, options, language, seedOf("both"));
  const [absent, complete] = [drawn.slice(0, prompts.length), drawn.slice(prompts.length)];
  let groups: Group[] = [];
  for (const [p, prompt] of prompts.entries()) {
    const judge = (drawn: Drawn): Promise<number> => qualityOf(prompt.text, drawn, language);
    const quality = await Promise.all(complete[p]!.map(judge));
    const qualityAbsent = await Promise.all(absent[p]!.map(judge));
    const refeeds = quality.map((first, g) => startRefeed(first, qualityAbsent[g]!, policy));
    const pair = { complete: complete[p]!, first: complete[p]!, absent: absent[p]! };
    groups.push({ ...prompt, ...pair, refeeds, quality, firstQuality: quality });
  }
  for (let attempt = 0; attempt < policy.maxTries; attempt++) {
    if (!groups.some(({ refeeds }) => refeeds.some(({ status }) => status === "resample"))) break;
    const again = await drawAnswers(trainee, own(true), options, language, seedOf(`refeed ${attempt}`));
    const next: Group[] = [];
    for (const [p, group] of groups.entries())
      next.push(await refeedGroup(group, again[p]!, language, policy));
    groups = next;
  }
  return groups;
};
