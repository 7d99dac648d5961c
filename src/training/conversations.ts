/** Supervised fine-tuning on whole conversations of a checkpoint's own processor, of any sizes. */
import { conversationBatches } from "../batch/conversation-batches.ts";
import type { ConversationGroup, ConversationTokens } from "../batch/conversations.ts";
import type { MediaStep } from "../batch/media-step.ts";
import { ConfigError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import type { ContrastedClip } from "./clip.ts";
import { chooseTexts, isBlind } from "./sft-batches.ts";
import { sftFeeds } from "./sft-feeds.ts";
import type { StepSource } from "./step-source.ts";

/** A conversation about a clip, its reference answer included. */
export interface ConversationText {
  readonly sampleId: string;
  readonly skill: string;
  readonly tokens: ConversationTokens;
}

/** A clip with its conversations; one without pictures has no media. */
export interface ConversationClip extends ContrastedClip {
  readonly media: readonly MediaStep[];
  readonly absentSteps: ReadonlyMap<number, MediaStep>;
  readonly texts: readonly ConversationText[];
}

/** How conversations become batches. */
export interface ConversationLayout {
  /** Positions of a batch at most, padding included. */
  readonly positionsPerBatch: number;
}

const groupOf = (
  clip: ConversationClip,
  texts: readonly ConversationText[],
  blind: boolean,
  endText: number,
): ConversationGroup => ({
  media: clip.media,
  texts: texts.map(({ tokens }) => tokens),
  contrast: { absent: clip.absentSteps, keywords: clip.keywords, endText },
  blind,
});

/**
 * Steps of conversations: packed by size into batches of at most `positionsPerBatch`; the texts of a clip share what
 * they begin with, pictures included, and do not see each other.
 *
 * @param take the clips of a step, the same ones whenever it is asked
 */
export const conversationSource = (
  take: (step: number) => Promise<readonly ConversationClip[]>,
  { positionsPerBatch }: ConversationLayout,
): StepSource<ConversationClip> => {
  let counted = { positions: 0, used: 0, learnt: 0, batches: 0 };
  return {
    take,
    batches: (clips, objective, { rules, tokens, queue }, options, step) => {
      const {
        encoding,
        seed,
        textsPerClip,
        blindClipsPerStep,
        viewDropout: dropout,
        bothViews: both,
      } = options;
      const { states } = objective;
      if (states.length > 0 && encoding !== "shared")
        throw new ConfigError("an encoding that needs end tokens of its own", {
          expected: "shared, for a checkpoint of the hub",
          got: encoding,
        });
      const groups = clips.map((clip, i) =>
        groupOf(
          clip,
          chooseTexts(clip.texts, textsPerClip, [seed, "texts", step, i]),
          isBlind(i, clips.length, blindClipsPerStep),
          tokens.endText,
        ),
      );
      const view = { dropout, random: seededRandom(seed, "dropout", step), both };
      const made = conversationBatches(groups, rules, { mostPositions: positionsPerBatch, states, view });
      for (const { batch, used, scored } of made)
        counted = {
          positions: counted.positions + batch.samples * batch.length,
          used: counted.used + used,
          learnt: counted.learnt + scored,
          batches: counted.batches + 1,
        };
      const seeing = made.flatMap((one) => one.seeing.map((at) => clips[at]!));
      const counts = made.map(({ batch, scored }) => ({ scored, rows: batch.scored.rows.length }));
      return {
        batches: made.map(({ batch }) => batch),
        feeds: sftFeeds(objective, counts, seeing, queue),
        seeing,
      };
    },
    metrics: () => {
      const { positions, used, learnt, batches } = counted;
      counted = { positions: 0, used: 0, learnt: 0, batches: 0 };
      return {
        tokens: used,
        learntTokens: learnt,
        batches,
        paddingShare: positions === 0 ? 0 : 1 - used / positions,
      };
    },
  };
};
