/** Questions of a data set as prompts: what can be graded, about clips that have a twin where answers are compared. */
import { resolve } from "node:path";
import { ConfigError, VideoPerceiverError } from "../../core/errors.ts";
import { type AnswerForm, askedWithOptions, writtenAnswer } from "../../dataset/conversation.ts";
import { questionText } from "../../dataset/question.ts";
import type { Message, Sample } from "../../dataset/sample.ts";
import { gradeAnswer } from "../../grading/grade-answer.ts";
import type { ModelConfig } from "../../model/config.ts";
import { conversationTokens } from "../../model/conversation.ts";
import type { AskedConversation, ConversationQuestion } from "../../training/conversation-prompts.ts";
import { type FeedMeans, loadGroup, patchBytes } from "./clip-feed.ts";
import type { Dropped, SampleGroup } from "./rows.ts";

/** What a question is asked with. */
export interface AskingSettings {
  readonly answers: AnswerForm;
  /** Words that a refeed appends to a question. */
  readonly refeedInstruction: string;
}

/** The token that ends a completion: the checkpoint's first that the model has. @throws {ConfigError} when none is */
export const endTokenOf = ({ tokens, text }: ModelConfig): number => {
  const found = tokens.endOfText.find((id) => id < text.vocabSize);
  if (found !== undefined) return found;
  throw new ConfigError("no token ends an answer", {
    expected: `eos_token_id in generation_config.json, below ${text.vocabSize}`,
    got: tokens.endOfText.join(", ") || "none",
  });
};

/** Why a sample cannot be a prompt; undefined: it can. */
const faultOf = (sample: Sample, compares: boolean): string | undefined => {
  if (sample.absent === undefined && compares)
    return "a question without a twin: nothing to compare its answers with";
  if (sample.provenance["aboutEvent"] === false)
    return "a question that the twin answers too (aboutEvent is false)";
  try {
    gradeAnswer({ ...sample, completion: "" });
    return undefined;
  } catch (error) {
    if (!(error instanceof VideoPerceiverError)) throw error;
    return error.message;
  }
};

/**
 * Every question that can be a prompt, each a group of its own; the others are dropped and named.
 * @param compares answers are compared with those about a twin, so there must be one
 */
export const promptGroups = (
  groups: readonly SampleGroup[],
  form: AnswerForm,
  compares: boolean,
  dropped: Dropped,
): SampleGroup[] =>
  groups.flatMap((group) =>
    group.samples.flatMap((sample): SampleGroup[] => {
      const reason = faultOf(sample, compares);
      if (reason === undefined) return [{ ...group, samples: [askedWithOptions(sample, form)] }];
      dropped.add({ file: resolve(group.folder, sample.clip.file), id: sample.id, reason });
      return [];
    }),
  );

/** The conversation with an instruction behind the last turn's words. */
const withInstruction = (messages: readonly Message[], instruction: string): Message[] =>
  messages.map((message, at) =>
    at === messages.length - 1
      ? { ...message, content: [...message.content, { type: "text", text: ` ${instruction}` }] }
      : message,
  );

/** Why the control `random-freeze` has nothing to show of a clip. */
export const noRoomToFreeze = "the control has no other frames to freeze: it would show the clip itself";

/** A prompt with its clip, twin and, where it was asked for, control; undefined where it cannot be had. */
export const loadQuestion = async (
  group: SampleGroup,
  { answers, refeedInstruction }: AskingSettings,
  means: FeedMeans,
  signal: AbortSignal,
): Promise<ConversationQuestion | undefined> => {
  const sample = group.samples[0]!;
  const { id: sampleId, messages, answer, answerKind, options, clip } = sample;
  const loaded = await loadGroup(group, means, signal);
  if (loaded === undefined) return undefined;
  const hasTwin = sample.absent !== undefined;
  if (hasTwin && loaded.absentSteps.size === 0) {
    const reason = "the twin shows the same as the clip at the frames that are looked at";
    means.dropped.add({ file: resolve(group.folder, clip.file), id: sampleId, reason });
    return undefined;
  }
  if (means.control !== undefined && (loaded.controlSteps?.size ?? 0) === 0) {
    means.dropped.add({ file: resolve(group.folder, clip.file), id: sampleId, reason: noRoomToFreeze });
    return undefined;
  }
  const { processor, config } = means;
  const ask = (said: readonly Message[]): AskedConversation => {
    const { next, ...tokens } = conversationTokens(said, loaded.planned.media, processor, config, true);
    return { tokens, next };
  };
  const isClosed = answerKind === "choice" && options !== undefined;
  const valid = isClosed
    ? options.map((option) => writtenAnswer({ ...sample, answer: option }, answers))
    : [answer];
  const end = endTokenOf(config);
  const { id, media, absentSteps, controlSteps } = loaded;
  return {
    clip: { id, media, absentSteps, frozenSteps: controlSteps },
    hasTwin,
    text: {
      sampleId,
      question: questionText(sample),
      answer,
      answerKind,
      ...(options !== undefined && { options }),
    },
    plain: ask(messages),
    instructed: ask(withInstruction(messages, refeedInstruction)),
    valid: valid.map((text) => [...processor.tokenizer.encode(text), end]),
    isClosed,
  };
};

/** Bytes of the patches of a question's clip, its twin and its control. */
export const questionBytes = ({ clip: { frozenSteps, ...clip } }: ConversationQuestion): number =>
  patchBytes({ ...clip, controlSteps: frozenSteps });
