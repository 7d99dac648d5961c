/** Prompts about clips of one size that are in memory. */
import type { ClipSegments, TextSegment } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import { segmentsSizes } from "../batch/segments-sizes.ts";
import { seededRandom } from "../core/random.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import { absentPatches, type TrainingClip, type TrainingText } from "./clip.ts";
import { type ControlName, twinPatches } from "./grpo-controls.ts";
import type { Trainee } from "./loop.ts";
import { batchAt } from "./order.ts";
import type { AnsweredPrompt, ComparedPrompt, PromptLayout, PromptSource, Shown } from "./prompt-layout.ts";
import { type ClosedPrompt, wholeAnswerProbabilities } from "./valid-answers.ts";

/** What the loop needs to know about words. */
export interface Language {
  readonly decode: (tokens: readonly number[]) => string;
  /** Ends a completion. */
  readonly endToken: number;
  /** The instruction that a refeed appends to the question. */
  readonly refeedInstruction: readonly number[];
}

/** A clip and one of its questions. */
export interface Prompt extends ComparedPrompt {
  readonly clip: TrainingClip;
  readonly text: TrainingText;
}

/** How prompts about clips in memory are laid out. */
export interface ClipPromptOptions {
  /** Batches that completions are computed in; left out: one. */
  readonly batchesPerStep?: number;
  readonly control: ControlName;
  readonly seed: number;
}

/** The prompt's tokens as they were answered. */
const answeredTokens = (text: TrainingText, refed: boolean, language: Language): number[] => [
  ...text.prompt,
  ...(refed ? language.refeedInstruction : []),
];

/** A clip with its completions, and which completion each of its texts is; a prompt is none. */
interface PolicyRow {
  readonly row: ClipSegments;
  readonly completionOf: readonly (number | undefined)[];
}

/** Each prompt that was answered stands once behind the clip; its completions go on from it. */
const rowOf = (
  { prompt: { clip, text }, complete }: AnsweredPrompt<Prompt>,
  language: Language,
): PolicyRow => {
  const texts: TextSegment[] = [];
  const completionOf: (number | undefined)[] = [];
  for (const instructed of [false, true]) {
    const own = complete.flatMap((drawn, g) => (drawn.refed === instructed ? [{ drawn, g }] : []));
    if (own.length === 0) continue;
    const prompt = answeredTokens(text, instructed, language);
    const continues = texts.push({ tokens: prompt, scoredFrom: prompt.length }) - 1;
    completionOf.push(undefined);
    for (const { drawn, g } of own) {
      const ended = drawn.finish === "stop" ? [language.endToken] : [];
      texts.push({ tokens: [...drawn.tokens, ...ended], scoredFrom: 0, continues });
      completionOf.push(g);
    }
  }
  return { row: { clip: clip.patches, texts }, completionOf };
};

/** The prompt with its options; where those are not known as tokens, with its reference as the only one. */
const withOptions = ({ clip, text }: Prompt): ClosedPrompt => ({
  clip,
  text: { ...text, optionTargets: text.optionTargets ?? [text.target] },
});

const validityOf = ({ text }: Prompt, probabilities: readonly number[]): number =>
  text.optionTargets === undefined
    ? probabilities[0]! ** (1 / text.target.length)
    : probabilities.reduce((sum, p) => sum + p, 0);

/** Lays out prompts about clips in memory. */
export const clipPromptLayout = (
  trainee: Pick<Trainee, "engine" | "rules" | "tokens">,
  language: Language,
  { batchesPerStep = 1, control, seed }: ClipPromptOptions,
): PromptLayout<Prompt> => {
  const { rules, tokens: frame } = trainee;
  const patchesOf = ({ prompt: { clip }, side }: Shown<Prompt>): ClipPatches => {
    if (side === "clip") return clip.patches;
    return side === "twin"
      ? absentPatches(clip)
      : twinPatches(control, clip, seededRandom(seed, "freeze", clip.id));
  };
  const asRow = (one: Shown<Prompt>): ClipSegments => {
    const tokens = answeredTokens(one.prompt.text, one.refed, language);
    return { clip: patchesOf(one), texts: [{ tokens, scoredFrom: tokens.length, next: true }] };
  };
  return {
    promptLength: (shown) => segmentsSizes(shown.map(asRow), rules, { tokens: frame }).length,
    prompts: (shown, leastLength) => {
      const options = { tokens: frame, prefill: true, leastLength };
      const { batch, ends } = segmentsBatch(shown.map(asRow), rules, options);
      return { batch, nextPositions: ends.map(({ nextPosition }) => nextPosition) };
    },
    completions: (answered, drawn) => {
      const size = Math.ceil(answered.length / batchesPerStep);
      return Array.from({ length: Math.ceil(answered.length / size) }, (_, i) => {
        const rows = answered.slice(i * size, (i + 1) * size).map((one) => rowOf(one, language));
        const { batch, scored } = segmentsBatch(
          rows.map(({ row }) => row),
          rules,
          { tokens: frame, drawn },
        );
        const owners = scored.map(({ clip, text, token }) => ({
          prompt: i * size + clip,
          completion: rows[clip]!.completionOf[text]!,
          token,
        }));
        return { batch, scored: owners };
      });
    },
    validity: async (prompts, instructed) => {
      const instruction = instructed ? language.refeedInstruction : [];
      const all = await wholeAnswerProbabilities(trainee, prompts.map(withOptions), instruction);
      return prompts.map((prompt, p) => validityOf(prompt, all[p]!));
    },
  };
};

/** Prompts that are in memory. */
export const promptsInMemory = (
  prompts: readonly Prompt[],
  { promptsPerStep, seed }: { readonly promptsPerStep: number; readonly seed: number },
): PromptSource<Prompt> => ({
  count: prompts.length,
  prompt: async (at) => prompts[at],
  steps: (kept) => async (step) =>
    batchAt(kept.length, promptsPerStep, step, seed).map((index) => prompts[kept[index]!]!),
});
