/** A small model whose adapter is trained, on disk as a server would serve it, and how far a server's numbers are off. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { SegmentTokens } from "../../../src/batch/segments.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { Completion } from "../../../src/engine/contract.ts";
import { openEngine } from "../../../src/engine/engines.ts";
import { emptyStore } from "../../../src/engine/model-store.ts";
import type { Rollouts } from "../../../src/engine/rollouts.ts";
import { type ServedPrompt, servedPrompts } from "../../../src/engine/vllm/served-prompts.ts";
import { requestOf } from "../../../src/engine/vllm/vllm-rollouts.ts";
import { adaptedModel } from "../../../src/model/adapted-model.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import type { ModelConfig } from "../../../src/model/config.ts";
import { initialize } from "../../../src/model/initialize.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { absentPatches } from "../../../src/training/clip.ts";
import { clipPromptLayout, type Language, type Prompt } from "../../../src/training/clip-prompts.ts";
import { drawAnswers, drawnUnder } from "../../../src/training/draw-answers.ts";
import type { Trainee } from "../../../src/training/loop.ts";
import { policyBatches } from "../../../src/training/policy-batches.ts";
import type { Drawn } from "../../../src/training/prompt-layout.ts";
import type { Asking, Group } from "../../../src/training/rollout.ts";
import { correctedFeeds, type RolloutCorrection } from "../../../src/training/rollout-correction.ts";
import { newAdapter } from "../../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../../src/weights/write-adapter.ts";
import { tinyTokens } from "../training/tiny.ts";

/** A model in training, with the folder that a server gets. */
export interface AdaptedTrainee extends Trainee {
  readonly folder: string;
  readonly config: ModelConfig;
}

/**
 * Makes and opens one.
 *
 * @param tokens left out: those of the tiny configuration
 * @param tokenizerFrom folder of its tokenizer's files; left out: it has none
 */
export const adaptedTrainee = async (
  work: string,
  config: ModelConfig,
  tokens: SegmentTokens = tinyTokens,
  tokenizerFrom?: string,
): Promise<AdaptedTrainee> => {
  const folder = join(work, "base");
  mkdirSync(work, { recursive: true });
  const store = emptyStore(config, "none");
  initialize(store.all(), seededRandom("adapted", "weights"), 1);
  saveCheckpoint(folder, config, store.tensors(), {
    dtype: "float32",
    ...(tokenizerFrom && { tokenizerFrom }),
  });
  const model = adaptedModel(config);
  const shape = { targets: ["q_proj", "v_proj", "down_proj"], rank: 4, alpha: 32, rsLora: false };
  const adapterFolder = join(work, "new adapter");
  writeAdapter(adapterFolder, newAdapter(model, shape, seededRandom("adapter")), model);
  const { engine } = await openEngine({ threads: 1 }, { folder, trained: "adapter", adapterFolder });
  return { engine, config, folder, rules: batchRules(config), tokens, tokenizerFolder: folder };
};

/** Every prompt about its clip, and one about its twin as if that were a clip. */
export const bothSides = (prompts: readonly Prompt[]): Prompt[] =>
  prompts.flatMap((prompt) => [
    prompt,
    {
      ...prompt,
      clip: { ...prompt.clip, id: `${prompt.clip.id} twin`, patches: absentPatches(prompt.clip) },
    },
  ]);

/** How completions are drawn and compared. */
export interface Drawing extends Partial<RolloutCorrection> {
  readonly language: Language;
  readonly completions: number;
  readonly maxNewTokens: number;
  readonly temperature?: number;
  readonly seed?: string;
}

/** Draws completions of prompts and holds their log-probabilities against the trainer's own. */
export const drawnDifference = async (
  trainee: AdaptedTrainee,
  rollouts: Pick<Rollouts, "sample">,
  prompts: readonly Prompt[],
  drawing: Drawing,
): Promise<ReturnType<typeof correctedFeeds> & { readonly drawn: readonly (readonly Drawn[])[] }> => {
  const {
    language,
    temperature = 1,
    seed = "1",
    cap = 2,
    mostDifference = Number.POSITIVE_INFINITY,
  } = drawing;
  const layout = clipPromptLayout(trainee, language, { control: "none", seed: 1 });
  const judging = { ...language, entailment: undefined as never };
  const asking: Asking<Prompt> = { trainee, layout, judging, rollouts };
  const shown = prompts.map((prompt) => ({ prompt, side: "clip" as const, refed: false }));
  const numbered = shown.map((one, number) => ({ shown: one, number }));
  const piece = { size: shown.length, length: layout.promptLength(shown) };
  const answers = await drawAnswers(asking, numbered, piece, { ...drawing, temperature }, seed);
  const drawn = shown.map((_, number) => answers.get(number)!);
  const judged = prompts.map((prompt, p) => ({
    group: { ...prompt, complete: drawn[p]! } as unknown as Group<Prompt>,
    advantages: new Float64Array(drawing.completions).fill(1),
    weights: new Float64Array(drawing.completions).fill(1),
  }));
  const { batches, feeds, places } = policyBatches(judged, { temperature }, trainee, layout);
  await using pass = await trainee.engine.forward(batches);
  const trainer = Float32Array.from(pass.outputs.flatMap(({ tokenLogprobs }) => [...tokenLogprobs]));
  return { drawn, ...correctedFeeds(feeds, places, trainer, { cap, mostDifference }) };
};

/** Draws from an adapter that somebody has loaded, whatever the trainer has. @param bend changes what the server is asked */
export const drawnFrom = (
  { config, rules }: AdaptedTrainee,
  url: string,
  name: string,
  bend: (prompt: ServedPrompt) => ServedPrompt = (prompt) => prompt,
): Pick<Rollouts, "sample"> => ({
  sample: (request) => {
    const prompts = servedPrompts(request.batch, request.nextPositions, { rules, countsSteps: false });
    const { tokensPerSecond } = config.vision as unknown as { readonly tokensPerSecond: number };
    return Promise.all(
      prompts.map(async (prompt, row): Promise<Completion[]> => {
        const body = await requestOf(bend(prompt), name, request, row, tokensPerSecond);
        const response = await fetch(`${url}/inference/v1/generate`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        });
        const { choices } = (await response.json()) as {
          choices: { token_ids: number[]; logprobs: { content: { logprob: number }[] } }[];
        };
        return choices.map(({ token_ids, logprobs: { content } }) => ({
          tokens: request.stopTokens.includes(token_ids.at(-1)!) ? token_ids.slice(0, -1) : token_ids,
          logprobs: content.map(({ logprob }) => logprob),
          finish: request.stopTokens.includes(token_ids.at(-1)!) ? "stop" : "length",
        }));
      }),
    );
  },
});

/** One update of the adapter that makes the prompts' answers likelier: the weights are others behind it. */
export const updateAdapter = async (
  trainee: AdaptedTrainee,
  prompts: readonly Prompt[],
  language: Language,
  learningRate = 0.05,
): Promise<void> => {
  const { engine } = trainee;
  const layout = clipPromptLayout(trainee, language, { control: "none", seed: 1 });
  const answered = prompts.map((prompt) => ({
    prompt,
    complete: [
      { tokens: prompt.text.target, logprobs: [], finish: "length" as const, text: "", refed: false },
    ],
  }));
  const batches = layout.completions(answered, drawnUnder(trainee, 1)).map(({ batch }) => batch);
  await engine.clearGradient();
  await using pass = await engine.forward(batches, { keep: "inputs" });
  const cotangents = pass.outputs.map(({ tokenLogprobs }) => ({
    tokenLogprobs: new Float32Array(tokenLogprobs.length).fill(-1),
    states: new Map(),
  }));
  await engine.backward(pass, cotangents);
  const rule = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 0 };
  await engine.update({ ...rule, learningRate });
};
