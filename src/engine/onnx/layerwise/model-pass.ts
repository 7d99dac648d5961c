import { blockPasses } from "../../../model/block-pass.ts";
import type { ModelConfig } from "../../../model/config.ts";
import type { VisionShape } from "../../../model/family.ts";
import type { FeedArray } from "../../contract.ts";
import { featuresName } from "../lowering/media.ts";
import type { ModelBatch } from "../lowering/model-batch.ts";
import type { ChunkedHead } from "./head.ts";
import { blockStage, embedStage, lastNormStage } from "./language-stages.ts";
import type { StageRunner } from "./stage.ts";
import type { Flow, Tape } from "./tape.ts";
import { visionStages } from "./vision-stages.ts";
import { BatchWords } from "./words.ts";

/** What a pass of a batch through the model gives. */
export interface PassValues {
  /** [M]; undefined when no rows are scored. */
  readonly tokenLogprobs: Flow | undefined;
  /** Tapped rows by block (1-based). */
  readonly states: ReadonlyMap<number, Flow>;
  /** [M, V], when asked for. */
  readonly logits: Float32Array | undefined;
  /** [U, D] */
  readonly visualTokens: Flow | undefined;
}

/** What the vision tower makes of pixels: [U, D]. */
export const passTower = async (
  shape: VisionShape,
  config: ModelConfig,
  feeds: Readonly<Record<string, FeedArray>>,
  tape: Tape,
): Promise<Flow> => {
  let flow: Flow[] = [];
  for (const stage of visionStages(shape, config, feeds)) flow = await tape.run(stage, flow);
  return flow[0]!;
};

/** Visual tokens of a batch: [U, D]. */
export const visualTokens = async (
  batch: ModelBatch,
  config: ModelConfig,
  tape: Tape,
): Promise<Flow | undefined> => {
  const { vision, language, feeds } = batch;
  if (vision !== undefined) return passTower(vision, config, feeds, tape);
  if (language.visualTokens === 0) return undefined;
  const shape = [language.visualTokens, config.vision.outHiddenSize];
  return tape.given(feeds[featuresName] as Float32Array, shape);
};

/** Rows before the first block: [N, D]. */
export const embedBatch = async (
  batch: ModelBatch,
  visual: Flow | undefined,
  config: ModelConfig,
  runner: StageRunner,
  tape: Tape,
): Promise<Flow> => {
  const words = new BatchWords(runner.weights, batch);
  const inputs = visual === undefined ? [words] : [words, visual];
  const [rows] = await tape.run(embedStage(batch, config), inputs);
  return rows!;
};

/** The whole model on a batch, block by block. */
export const passModel = async (
  batch: ModelBatch,
  config: ModelConfig,
  runner: StageRunner,
  head: ChunkedHead,
  tape: Tape,
  wantLogits: boolean,
): Promise<PassValues> => {
  const { language } = batch;
  const visual = await visualTokens(batch, config, tape);
  const states = new Map<number, Flow>();
  let x: Flow | undefined = await embedBatch(batch, visual, config, runner, tape);
  for (const pass of blockPasses(language, config.text.layers)) {
    const outputs: Flow[] = await tape.run(blockStage(pass, batch, config), [x!]);
    if (pass.tapped > 0) states.set(pass.layer + 1, outputs.at(-1)!);
    x = pass.goesOn === "none" ? undefined : outputs[0];
  }
  if (language.scored === 0)
    return { tokenLogprobs: undefined, states, logits: undefined, visualTokens: visual };
  const [normed] = await tape.run(lastNormStage(language.scored, config), [x!]);
  const tokenLogprobs = await head.logprobs(normed!, batch, tape);
  const logits = wantLogits ? await head.logits(normed!, tape) : undefined;
  return { tokenLogprobs, states, logits, visualTokens: visual };
};
