/** What a model in training answers about held-out clips, about their absent twins and under the control. */
import { resolve } from "node:path";
import type { MediaStep } from "../../batch/media-step.ts";
import { type ConversationPrompt, promptBatch } from "../../batch/prompt-batch.ts";
import { VideoPerceiverError } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import { questionText } from "../../dataset/question.ts";
import type { Sample } from "../../dataset/sample.ts";
import { conversationTokens } from "../../model/conversation.ts";
import type { Run } from "../../runs/run.ts";
import type { Trainee } from "../../training/loop.ts";
import {
  type AnswersOfQuestion,
  type AskedVersion,
  answerMeasures,
  askedVersions,
  type GradedText,
  gradedText,
} from "./answer-measures.ts";
import type { FeedMeans, LoadedClip } from "./clip-feed.ts";
import type { HeldOutClips } from "./held-out.ts";
import type { OtherSteps } from "./load-clip.ts";
import type { CommonSettings } from "./settings.ts";

/** A version of a question's clip as the model is asked about it. */
interface AskedPrompt {
  readonly question: number;
  readonly version: AskedVersion;
  readonly prompt: ConversationPrompt;
}

/** The held-out questions, and everything that is asked. */
interface Asked {
  readonly samples: readonly Sample[];
  readonly prompts: readonly AskedPrompt[];
}

/** What answering needs. */
export interface AnswerMeans {
  readonly trainee: Pick<Trainee, "engine" | "rules">;
  readonly means: Pick<FeedMeans, "processor" | "config" | "dropped">;
  readonly settings: Pick<CommonSettings, "validation" | "positionsPerBatch">;
  readonly run: Pick<Run, "answer">;
  readonly progress: Pick<Progress, "log">;
  readonly signal: AbortSignal;
}

const withSteps = (media: readonly MediaStep[], other: OtherSteps): MediaStep[] =>
  media.map((step, at) => other.get(at) ?? step);

/** The versions of a clip; a twin that changes nothing of what is looked at is none. */
const versionsOf = ({
  media,
  absentSteps,
  controlSteps,
}: LoadedClip): [AskedVersion, readonly MediaStep[]][] =>
  absentSteps.size === 0
    ? [["clip", media]]
    : [
        ["clip", media],
        ["absent", withSteps(media, absentSteps)],
        ...(controlSteps === undefined
          ? []
          : [["control", withSteps(media, controlSteps)] as [AskedVersion, MediaStep[]]]),
      ];

/** False, and the sample named, where no answer can be graded. */
const isGraded = (sample: Sample, folder: string, dropped: FeedMeans["dropped"]): boolean => {
  try {
    gradedText(sample, "");
    return true;
  } catch (error) {
    if (!(error instanceof VideoPerceiverError)) throw error;
    dropped.add({ file: resolve(folder, sample.clip.file), id: sample.id, reason: error.message });
    return false;
  }
};

/** The first question of every clip, then the second ones, until there are enough. */
const chosenQuestions = (
  clips: readonly LoadedClip[],
  count: number,
  dropped: FeedMeans["dropped"],
): [LoadedClip, Sample][] => {
  const own = clips.map(({ texts, planned: { group } }) => {
    const usable = new Set(texts.map(({ sampleId }) => sampleId));
    return group.samples.filter((sample) => usable.has(sample.id) && isGraded(sample, group.folder, dropped));
  });
  const most = Math.max(0, ...own.map(({ length }) => length));
  const all = Array.from({ length: most }, (_, at) =>
    own.flatMap((samples, i): [LoadedClip, Sample][] =>
      samples[at] === undefined ? [] : [[clips[i]!, samples[at]]],
    ),
  ).flat();
  return all.slice(0, count);
};

const askedOf = async (clips: HeldOutClips, { means, settings }: AnswerMeans): Promise<Asked> => {
  const chosen = chosenQuestions(await clips(), settings.validation.answers, means.dropped);
  const prompts = chosen.flatMap(([clip, { messages }], question) => {
    const { next, ...tokens } = conversationTokens(
      messages,
      clip.planned.media,
      means.processor,
      means.config,
      true,
    );
    return versionsOf(clip).map(([version, media]) => ({
      question,
      version,
      prompt: { tokens, next, media },
    }));
  });
  return { samples: chosen.map(([, sample]) => sample), prompts };
};

/** Prompts of nearly one length together, as many as fit with what will be answered. */
const batchesOf = (asked: readonly AskedPrompt[], mostPositions: number, maxNewTokens: number) => {
  const sizeOf = ({ prompt }: AskedPrompt): number => prompt.tokens.ids.length + maxNewTokens;
  const batches: AskedPrompt[][] = [];
  for (const one of [...asked].sort((a, b) => sizeOf(b) - sizeOf(a))) {
    const last = batches.at(-1);
    if (last !== undefined && sizeOf(last[0]!) * (last.length + 1) <= mostPositions) last.push(one);
    else batches.push([one]);
  }
  return batches;
};

const answers = async (
  asked: readonly AskedPrompt[],
  { trainee: { engine, rules }, means, settings, signal }: AnswerMeans,
): Promise<string[]> => {
  const { tokenizer } = means.processor;
  const { batch, nextPositions } = promptBatch(
    asked.map(({ prompt }) => prompt),
    rules,
  );
  const drawn = await engine.sample(
    {
      batch,
      nextPositions,
      completions: 1,
      maxNewTokens: settings.validation.maxNewTokens,
      stopTokens: means.config.tokens.endOfText,
      bannedTokens: rules.visualTokenIds,
      temperature: 0,
      seed: "validation",
    },
    { signal },
  );
  return drawn.map(([one]) => tokenizer.decode(one!.tokens, { skipSpecial: true }).trim());
};

const inWords = (found: Readonly<Record<string, number>>): string => {
  const told = (name: string): string => (found[name] === undefined ? "" : found[name].toFixed(3));
  return ["accuracy", "exact", "rougeL"]
    .filter((name) => found[name] !== undefined)
    .map((name) => {
      const pairs = askedVersions.filter((version) => found[`${name}/${version}`] !== undefined);
      const apart = pairs.map((version) => `${version} ${told(`${name}/${version}`)}`).join(", ");
      return `${name} ${told(name)}${apart === "" ? "" : ` (${apart})`}`;
    })
    .join("; ");
};

/**
 * Asks the held-out questions, greedily, about the clip, its absent twin and the control, and grades the answers; all of
 * them are written into the run.
 *
 * @returns for the loop's looks: {@link answerMeasures} of a step
 */
export const heldOutAnswers = (
  clips: HeldOutClips,
  use: AnswerMeans,
): ((step: number) => Promise<Record<string, number>>) => {
  const { validation, positionsPerBatch } = use.settings;
  let kept: Promise<Asked> | undefined;
  return async (step) => {
    kept ??= askedOf(clips, use);
    const { samples, prompts } = await kept;
    const said = samples.map((): Partial<Record<AskedVersion, GradedText>> => ({}));
    for (const batch of batchesOf(prompts, positionsPerBatch, validation.maxNewTokens)) {
      const texts = await answers(batch, use);
      for (const [i, { question, version }] of batch.entries())
        said[question]![version] = gradedText(samples[question]!, texts[i]!);
    }
    samples.forEach((sample, question) => {
      for (const shown of askedVersions) {
        const graded = said[question]![shown];
        if (graded === undefined) continue;
        const { id: sampleId, answer: reference } = sample;
        const { text: answer, grade } = graded;
        use.run.answer({ step, sampleId, question: questionText(sample), reference, answer, grade, shown });
      }
    });
    const found = answerMeasures(said as readonly AnswersOfQuestion[]);
    if (samples.length > 0) use.progress.log(`step ${step}: ${inWords(found)}`);
    return found;
  };
};
