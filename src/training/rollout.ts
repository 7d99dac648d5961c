/**
 * Roll-outs of Comparative GRPO: completions of the same question from the complete clip and from its absent twin, and
 * once more with an instruction where the complete clip did not win.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */

import type { ClipSegments } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import type { Completion } from "../engine/contract.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import { answerQuality } from "../objectives/quality.ts";
import {
  advanceRefeed,
  answerableWithoutEvidence,
  type RefeedPolicy,
  type RefeedState,
  startRefeed,
} from "../objectives/refeed.ts";
import { absentPatches, type TrainingClip, type TrainingText } from "./clip.ts";
import type { Trainee } from "./loop.ts";
import { batchAt } from "./order.ts";

/** What the loop needs to know about words. */
export interface Language {
  readonly decode: (tokens: readonly number[]) => string;
  /** Ends a completion. */
  readonly endToken: number;
  /** The instruction that a refeed appends to the question. */
  readonly refeedInstruction: readonly number[];
  readonly entailment: Parameters<typeof answerQuality>[2];
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
  readonly absent: readonly Drawn[];
  readonly refeeds: readonly RefeedState[];
  /** [G] Quality of the first completions, before any instruction. */
  readonly firstQuality: readonly number[];
}

/** How completions are drawn and drawn again. */
export interface RolloutOptions extends Pick<RefeedPolicy, "onExhausted"> {
  readonly promptsPerStep: number;
  readonly completions: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly refeedTries: number;
  readonly lambda: number;
  readonly seed: number;
}

/** A step's groups; `answerable` prompts were left out since their twin answers them too. */
export interface Rollout {
  readonly groups: readonly Group[];
  readonly answerable: number;
}

/** The prompt's tokens as they were answered. */
export const answeredPrompt = (text: TrainingText, refed: boolean, language: Language): number[] => [
  ...text.prompt,
  ...(refed ? language.refeedInstruction : []),
];

/** Draws G completions of every prompt from one side of its pair. */
const draw = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  side: (clip: TrainingClip) => ClipPatches,
  options: RolloutOptions,
  language: Language,
  seed: string,
  refed = false,
): Promise<Drawn[][]> => {
  const rows = prompts.map(({ clip, text }): ClipSegments => {
    const tokens = answeredPrompt(text, refed, language);
    return { clip: side(clip), texts: [{ tokens, scoredFrom: tokens.length, next: true }] };
  });
  const { engine, rules, tokens: frame } = trainee;
  const { batch, ends } = segmentsBatch(rows, rules, { tokens: frame, prefill: true });
  const drawn = await engine.sample({
    batch,
    nextPositions: ends.map(({ nextPosition }) => nextPosition),
    completions: options.completions,
    maxNewTokens: options.maxNewTokens,
    temperature: options.temperature,
    stopTokens: [language.endToken],
    bannedTokens: rules.visualTokenIds,
    seed,
  });
  return drawn.map((group) =>
    group.map((completion) => ({ ...completion, text: language.decode(completion.tokens), refed })),
  );
};

/** Accepts what was drawn again where it wins; a pair that goes on losing keeps its first completion. */
const refeedGroup = async (
  group: Group,
  again: readonly Drawn[],
  quality: (text: TrainingText, drawn: Drawn) => Promise<number>,
  policy: RefeedPolicy,
): Promise<Group> => {
  const complete = [...group.complete];
  const refeeds = [...group.refeeds];
  for (const [g, state] of group.refeeds.entries()) {
    if (state.status !== "resample") continue;
    const drawn = again[g]!;
    refeeds[g] = advanceRefeed(state, await quality(group.text, drawn), policy);
    if (refeeds[g].status === "accepted") complete[g] = drawn;
  }
  return { ...group, complete, refeeds };
};

/**
 * The groups of a step, a pure function of weights, seed and step. With lambda 0 nothing is compared: no refeed, and no
 * prompt is left out.
 *
 * @source VideoPerceiver, second stage: sampling from both clips and refeed, reconstructed from the prose
 */
export const rollOut = async (
  trainee: Trainee,
  prompts: readonly Prompt[],
  options: RolloutOptions,
  language: Language,
  step: number,
): Promise<Rollout> => {
  const { promptsPerStep, seed, onExhausted } = options;
  const compares = options.lambda > 0;
  const policy = { maxTries: compares ? options.refeedTries : 0, onExhausted };
  const chosen = batchAt(prompts.length, promptsPerStep, step, seed).map((index) => prompts[index]!);
  const seedOf = (what: string): string => [seed, "rollout", step, what].join("/");
  const own = (clip: TrainingClip): ClipPatches => clip.patches;
  const quality = (text: TrainingText, drawn: Drawn): Promise<number> =>
    answerQuality(text, drawn.text, language.entailment);
  const absent = await draw(trainee, chosen, absentPatches, options, language, seedOf("absent"));
  const complete = await draw(trainee, chosen, own, options, language, seedOf("complete"));
  let groups: Group[] = [];
  for (const [p, prompt] of chosen.entries()) {
    const judge = (drawn: Drawn): Promise<number> => quality(prompt.text, drawn);
    const firstQuality = await Promise.all(complete[p]!.map(judge));
    const qualityAbsent = await Promise.all(absent[p]!.map(judge));
    const refeeds = firstQuality.map((first, g) => startRefeed(first, qualityAbsent[g]!, policy));
    groups.push({ ...prompt, complete: complete[p]!, absent: absent[p]!, refeeds, firstQuality });
  }
  for (let attempt = 0; attempt < policy.maxTries; attempt++) {
    if (!groups.some(({ refeeds }) => refeeds.some(({ status }) => status === "resample"))) break;
    const again = await draw(trainee, chosen, own, options, language, seedOf(`refeed ${attempt}`), true);
    const next: Group[] = [];
    for (const [p, group] of groups.entries())
      next.push(await refeedGroup(group, again[p]!, quality, policy));
    groups = next;
  }
  const kept = groups.filter(
    ({ refeeds }) =>
      !compares || !answerableWithoutEvidence(refeeds.map(({ qualityAbsent }) => qualityAbsent)),
  );
  return { groups: kept, answerable: groups.length - kept.length };
};
