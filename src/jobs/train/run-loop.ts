/** A run's loop, with what it is fed. */
import { resolve } from "node:path";
import { type AnswerForm, askedWithOptions } from "../../dataset/conversation.ts";
import { type Rollouts, rolloutProviders } from "../../engine/rollouts.ts";
import { trainComparativeGrpoFrom } from "../../training/comparative-grpo.ts";
import { type ConversationQuestion, conversationPromptLayout } from "../../training/conversation-prompts.ts";
import { conversationSource } from "../../training/conversations.ts";
import { type PreferenceSource, trainDpo } from "../../training/dpo.ts";
import type { LoopContext, LoopResult, Trainee } from "../../training/loop.ts";
import type { PromptSource } from "../../training/prompt-layout.ts";
import { trainSftFrom } from "../../training/sft.ts";
import { ClipFeed, type FeedMeans, KeptClips, patchBytes } from "./clip-feed.ts";
import { drawnHeldOut, heldOutClips, heldOutLooks } from "./held-out.ts";
import { heldOutAnswers } from "./held-out-answers.ts";
import type { LanguageLoop } from "./loops.ts";
import { type PreferenceGroup, preferenceBytes, preferenceGroups } from "./preferences.ts";
import type { Prepared } from "./prepare.ts";
import { endTokenOf, questionBytes } from "./prompts.ts";
import type { ClipReader } from "./reading.ts";
import type { SampleGroup } from "./rows.ts";

/** A run with everything that it needs but the model. */
export interface ReadTraining extends LoopContext {
  readonly prepared: Prepared;
  readonly means: FeedMeans;
  readonly reader: ClipReader;
}

/** A run with everything that it needs. */
export interface OpenedTraining extends ReadTraining {
  readonly trainee: Trainee;
}

/** A loop whose first clips are being read; it runs on a model that is opened meanwhile. */
export type BegunLoop = (trainee: Trainee) => Promise<LoopResult>;

type OptionsOf<Loop extends LanguageLoop["loop"]> = Extract<LanguageLoop, { loop: Loop }>["options"];

/** How clips are read ahead. */
const feedOptions = (
  { resolved: { common } }: Prepared,
  {
    clipsPerStep,
    seed,
    steps,
  }: { readonly clipsPerStep: number; readonly seed: number; readonly steps: number },
): ConstructorParameters<typeof ClipFeed>[2] => ({
  clipsPerStep,
  seed,
  steps,
  aheadBytes: common.aheadMegabytes * 1e6,
});

/** Clips that are read once for whatever they are needed for, while there is room. */
const keptClips = <Clip>(
  { resolved: { common } }: Prepared,
  bytes: (clip: Clip) => number,
  read: (at: number) => Promise<Clip | undefined>,
): KeptClips<Clip> => new KeptClips(read, bytes, common.keptMegabytes * 1e6);

/** What every loop looks at besides its own numbers. @param form how options are answered; left out: as the rows are */
const looksOf = (opened: OpenedTraining, seed: number, form?: AnswerForm) => {
  const { prepared, means, reader, trainee, run, progress, signal } = opened;
  const { common } = prepared.resolved;
  const asked = prepared.rows.heldOut.map((group) =>
    form === undefined
      ? group
      : { ...group, samples: group.samples.map((sample) => askedWithOptions(sample, form)) },
  );
  const read = (unit: SampleGroup) => reader.read({ kind: "group", unit, controlled: true }, signal);
  const held = heldOutClips(asked, read, { ...common, seed });
  const asking = { trainee, means, settings: common, run, progress, signal };
  return { heldOut: heldOutLooks(held, common, trainee), validate: heldOutAnswers(held, asking) };
};

const beginSft = (read: ReadTraining, options: OptionsOf<"sft">): BegunLoop => {
  const { prepared, reader, run, signal } = read;
  const { trained, mixed, dropped, resolved } = prepared;
  const kept = keptClips(prepared, patchBytes, (at) =>
    reader.read({ kind: "group", unit: trained[at]!, controlled: false }, signal),
  );
  const feed = new ClipFeed(
    trained.length,
    (at) => kept.of(at),
    { ...feedOptions(prepared, options), order: mixed?.order },
    dropped,
    patchBytes,
  );
  const source = conversationSource((step) => feed.take(step), resolved.common);
  feed.begin((run.resumedFrom?.step ?? 0) + 1);
  return (trainee) => {
    const opened = { ...read, trainee };
    const looks = { ...looksOf(opened, options.seed), waitedSeconds: () => feed.waitedSeconds() };
    return trainSftFrom(trainee, source, options, opened, { looks });
  };
};

const runDpo = (opened: OpenedTraining, options: OptionsOf<"dpo">): Promise<LoopResult> => {
  const { prepared, reader, trainee, signal } = opened;
  const { preferences, rows, dropped, resolved } = prepared;
  const { common } = resolved;
  const { seed, control, pairs, answers } = options;
  const isControl = control === "random-freeze";
  const read = (unit: PreferenceGroup, how: { readonly controlled: boolean; readonly isControl: boolean }) =>
    reader.read({ kind: "preferences", unit, ...how }, signal);
  const kept = keptClips(prepared, preferenceBytes, (at) =>
    read(preferences[at]!, { controlled: isControl, isControl }),
  );
  const clip = (at: number) => kept.of(at);
  const feed = new ClipFeed(
    preferences.length,
    clip,
    feedOptions(prepared, options),
    dropped,
    preferenceBytes,
  );
  const source: PreferenceSource = {
    count: preferences.length,
    take: (step) => feed.take(step),
    clip,
    heldOut: async () => {
      const groups = drawnHeldOut(rows.heldOut, { ...common, seed });
      const held = preferenceGroups(groups, pairs, answers, dropped);
      const how = { controlled: true, isControl: false };
      const clips = await Promise.all(held.map((one) => read(one, how)));
      return clips.filter((one) => one !== undefined);
    },
  };
  const looks = { ...looksOf(opened, seed, answers), waitedSeconds: () => feed.waitedSeconds() };
  const { positionsPerBatch } = common;
  return trainDpo(trainee, source, { ...options, positionsPerBatch }, opened, looks);
};

/** What draws completions instead of the engine; undefined: the engine does. */
const rolloutsOf = async (
  { trainee: { engine }, means: { config }, run, progress }: OpenedTraining,
  chosen: OptionsOf<"grpo">["rollouts"],
): Promise<Rollouts | undefined> => {
  if (chosen === undefined) return undefined;
  const { value: open } = await rolloutProviders.make(chosen.name, chosen.params);
  const folder = resolve(run.folder, "rollout-adapters");
  return open({ engine, config, folder, log: (line) => progress.log(line) });
};

const runGrpo = async (opened: OpenedTraining, options: OptionsOf<"grpo">): Promise<LoopResult> => {
  const { prepared, means, reader, trainee, signal } = opened;
  const { trained, dropped, resolved } = prepared;
  const { seed, control, refeedInstruction, promptsPerStep, answers } = options;
  const how = { controlled: control === "random-freeze", asking: { answers, refeedInstruction } };
  const kept = keptClips(prepared, questionBytes, (at) =>
    reader.read({ kind: "question", unit: trained[at]!, ...how }, signal),
  );
  const prompt = (at: number) => kept.of(at);
  let waited = (): number => 0;
  const source: PromptSource<ConversationQuestion> = {
    count: trained.length,
    prompt,
    steps: (left) => {
      const ahead = feedOptions(prepared, { ...options, clipsPerStep: promptsPerStep });
      const feed = new ClipFeed(left.length, (at) => prompt(left[at]!), ahead, dropped, questionBytes);
      waited = () => feed.waitedSeconds();
      return (step) => feed.take(step);
    },
  };
  const endToken = endTokenOf(means.config);
  const { positionsPerBatch } = resolved.common;
  const layout = conversationPromptLayout(trainee, { positionsPerBatch, control, endToken });
  const decode = (tokens: readonly number[]): string =>
    means.processor.tokenizer.decode(tokens, { skipSpecial: true });
  const reading = { decode, endToken, instruction: refeedInstruction };
  await using rollouts = await rolloutsOf(opened, options.rollouts);
  const looks = { ...looksOf(opened, seed, options.answers), waitedSeconds: () => waited(), rollouts };
  return await trainComparativeGrpoFrom(trainee, source, layout, options, reading, opened, looks);
};

/** Begins the loop that the recipe chose. */
export const beginTraining = (read: ReadTraining): BegunLoop => {
  const { chosen } = read.prepared.resolved;
  switch (chosen.loop) {
    case "sft":
      return beginSft(read, chosen.options);
    case "dpo":
      return (trainee) => runDpo({ ...read, trainee }, chosen.options);
    case "grpo":
      return (trainee) => runGrpo({ ...read, trainee }, chosen.options);
  }
};
