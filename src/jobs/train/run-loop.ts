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
import { ClipFeed, type FeedMeans, loadGroup, patchBytes } from "./clip-feed.ts";
import { drawnHeldOut, heldOutClips, heldOutLooks, withControl } from "./held-out.ts";
import { heldOutAnswers } from "./held-out-answers.ts";
import type { LanguageLoop } from "./loops.ts";
import { loadPreferences, preferenceBytes, preferenceGroups } from "./preferences.ts";
import type { Prepared } from "./prepare.ts";
import { endTokenOf, loadQuestion, questionBytes } from "./prompts.ts";

/** A run with everything that it needs. */
export interface OpenedTraining extends LoopContext {
  readonly prepared: Prepared;
  readonly means: FeedMeans;
  readonly trainee: Trainee;
}

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
  keptBytes: common.keptMegabytes * 1e6,
});

/** What every loop looks at besides its own numbers. @param form how options are answered; left out: as the rows are */
const looksOf = (opened: OpenedTraining, seed: number, form?: AnswerForm) => {
  const { prepared, means, trainee, run, progress, signal } = opened;
  const { common } = prepared.resolved;
  const asked = prepared.rows.heldOut.map((group) =>
    form === undefined
      ? group
      : { ...group, samples: group.samples.map((sample) => askedWithOptions(sample, form)) },
  );
  const held = heldOutClips(asked, means, { ...common, seed }, signal);
  const asking = { trainee, means, settings: common, run, progress, signal };
  return { heldOut: heldOutLooks(held, common, trainee), validate: heldOutAnswers(held, asking) };
};

const runSft = (opened: OpenedTraining, options: OptionsOf<"sft">): Promise<LoopResult> => {
  const { prepared, means, trainee, signal } = opened;
  const { trained, mixed, dropped, resolved } = prepared;
  const feed = new ClipFeed(
    trained.length,
    (at) => loadGroup(trained[at]!, means, signal),
    { ...feedOptions(prepared, options), order: mixed?.order },
    dropped,
    patchBytes,
  );
  const source = conversationSource((step) => feed.take(step), resolved.common);
  const looks = { ...looksOf(opened, options.seed), waitedSeconds: () => feed.waitedSeconds() };
  return trainSftFrom(trainee, source, options, opened, { looks });
};

const runDpo = (opened: OpenedTraining, options: OptionsOf<"dpo">): Promise<LoopResult> => {
  const { prepared, means, trainee, signal } = opened;
  const { preferences, rows, dropped, resolved } = prepared;
  const { common } = resolved;
  const { seed, control, pairs, answers } = options;
  const own = control === "random-freeze" ? withControl(means, seed) : means;
  const clip = (at: number): ReturnType<typeof loadPreferences> =>
    loadPreferences(preferences[at]!, own, signal, control === "random-freeze");
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
      const looked = withControl(means, seed);
      const clips = await Promise.all(held.map((one) => loadPreferences(one, looked, signal)));
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
  const { prepared, means, trainee, signal } = opened;
  const { trained, dropped, resolved } = prepared;
  const { seed, control, refeedInstruction, promptsPerStep } = options;
  const own = control === "random-freeze" ? withControl(means, seed) : { ...means, withTwin: true };
  const prompt = (at: number): ReturnType<typeof loadQuestion> =>
    loadQuestion(trained[at]!, options, own, signal);
  let waited = (): number => 0;
  const source: PromptSource<ConversationQuestion> = {
    count: trained.length,
    prompt,
    steps: (kept) => {
      const ahead = feedOptions(prepared, { ...options, clipsPerStep: promptsPerStep });
      const feed = new ClipFeed(kept.length, (at) => prompt(kept[at]!), ahead, dropped, questionBytes);
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

/** Runs the loop that the recipe chose. */
export const runTrainingLoop = (opened: OpenedTraining): Promise<LoopResult> => {
  const { chosen } = opened.prepared.resolved;
  switch (chosen.loop) {
    case "sft":
      return runSft(opened, chosen.options);
    case "dpo":
      return runDpo(opened, chosen.options);
    case "grpo":
      return runGrpo(opened, chosen.options);
  }
};
