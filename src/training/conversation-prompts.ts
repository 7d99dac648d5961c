/** Prompts as whole conversations of a checkpoint's own processor, about clips of any sizes. */
import { type ConversationBatch, conversationBatches } from "../batch/conversation-batches.ts";
import type { ConversationGroup, ConversationTokens } from "../batch/conversations.ts";
import type { MediaStep } from "../batch/media-step.ts";
import { promptBatch, promptLength } from "../batch/prompt-batch.ts";
import type { ControlName } from "./grpo-controls.ts";
import type { Trainee } from "./loop.ts";
import type { ComparedPrompt, PromptLayout, ShownSide } from "./prompt-layout.ts";

/** A conversation up to where the assistant begins to speak, before its pictures are there. */
export interface AskedConversation {
  readonly tokens: ConversationTokens;
  /** Position of the token that follows. */
  readonly next: number;
}

/** A question about a clip. */
export interface ConversationQuestion extends ComparedPrompt {
  readonly clip: {
    readonly id: string;
    readonly media: readonly MediaStep[];
    /** Temporal steps of the absent twin that differ. */
    readonly absentSteps: ReadonlyMap<number, MediaStep>;
    /** Those of the clip with as many other frames frozen; undefined: it has no room for it. */
    readonly frozenSteps: ReadonlyMap<number, MediaStep> | undefined;
  };
  readonly plain: AskedConversation;
  /** With the refeed's instruction behind the question. */
  readonly instructed: AskedConversation;
  /** Tokens of valid answers with the end token: every option, or the reference alone. */
  readonly valid: readonly (readonly number[])[];
  /** True where nothing else than one of them is valid. */
  readonly isClosed: boolean;
}

/** How such prompts are laid out. */
export interface ConversationPromptOptions {
  readonly positionsPerBatch: number;
  readonly control: ControlName;
  /** Ends a completion. */
  readonly endToken: number;
}

/** A conversation with words behind it, which are scored. */
export const continued = (
  { tokens, next }: AskedConversation,
  words: readonly number[],
): ConversationTokens => {
  const { length } = tokens.ids;
  const total = length + words.length;
  const positions = new Int32Array(3 * total);
  const [ids, spoken] = [new Int32Array(total), new Uint8Array(total)];
  const places = new Int32Array(total).fill(-1);
  ids.set(tokens.ids);
  ids.set(words, length);
  places.set(tokens.places);
  spoken.fill(1, length);
  for (let part = 0; part < 3; part++) {
    positions.set(tokens.positions.subarray(part * length, (part + 1) * length), part * total);
    words.forEach((_, i) => {
      positions[part * total + length + i] = next + i;
    });
  }
  return { ids, positions, spoken, places };
};

/** Of each scored row which token of its text it is: rows of a text stand in order. */
const withTokens = ({ scoredTexts }: ConversationBatch): { group: number; text: number; token: number }[] => {
  const seen = new Map<string, number>();
  return scoredTexts.map(({ group, text }) => {
    const token = seen.get(`${group} ${text}`) ?? 0;
    seen.set(`${group} ${text}`, token + 1);
    return { group, text, token };
  });
};

/** The temporal steps that a side shows. */
const mediaOf = (
  { clip: { media, absentSteps, frozenSteps } }: ConversationQuestion,
  side: ShownSide,
  control: ControlName,
): readonly MediaStep[] => {
  const isClip = control === "twin-is-clip" || control === "instruction-only";
  if (side === "clip" || (side === "compared" && isClip)) return media;
  const steps =
    side === "compared" && control === "random-freeze"
      ? (frozenSteps ?? new Map<number, MediaStep>())
      : absentSteps;
  return media.map((step, at) => steps.get(at) ?? step);
};

/** Lays out conversations: completions are packed behind what they share. */
export const conversationPromptLayout = (
  { engine, rules }: Pick<Trainee, "engine" | "rules">,
  { positionsPerBatch, control, endToken }: ConversationPromptOptions,
): PromptLayout<ConversationQuestion> => ({
  promptLength: (shown) =>
    promptLength(shown.map(({ prompt, refed }) => (refed ? prompt.instructed : prompt.plain))),
  prompts: (shown, leastLength) =>
    promptBatch(
      shown.map(({ prompt, side, refed }) => ({
        ...(refed ? prompt.instructed : prompt.plain),
        media: mediaOf(prompt, side, control),
      })),
      rules,
      leastLength,
    ),
  completions: (answered, drawn) => {
    const groups = answered.map(
      ({ prompt, complete }): ConversationGroup => ({
        media: prompt.clip.media,
        texts: complete.map(({ refed, tokens, finish }) =>
          continued(refed ? prompt.instructed : prompt.plain, [
            ...tokens,
            ...(finish === "stop" ? [endToken] : []),
          ]),
        ),
      }),
    );
    return conversationBatches(groups, rules, { mostPositions: positionsPerBatch, drawn }).map((made) => ({
      batch: made.batch,
      scored: withTokens(made).map(({ group, text, token }) => ({ prompt: group, completion: text, token })),
    }));
  },
  validity: async (prompts, instructed) => {
    const groups = prompts.map(
      ({ clip, plain, instructed: asked, valid }): ConversationGroup => ({
        media: clip.media,
        texts: valid.map((answer) => continued(instructed ? asked : plain, answer)),
      }),
    );
    const sums = prompts.map(({ valid }) => valid.map(() => 0));
    for (const { batch, scoredTexts } of conversationBatches(groups, rules, {
      mostPositions: positionsPerBatch,
    })) {
      await using pass = await engine.forward([batch]);
      const { tokenLogprobs } = pass.outputs[0]!;
      scoredTexts.forEach(({ group, text }, m) => {
        sums[group]![text]! += tokenLogprobs[m]!;
      });
    }
    return prompts.map(({ isClosed, valid }, p) =>
      isClosed
        ? sums[p]!.reduce((sum, logprob) => sum + Math.exp(logprob), 0)
        : Math.exp(sums[p]![0]! / valid[0]!.length),
    );
  },
});
