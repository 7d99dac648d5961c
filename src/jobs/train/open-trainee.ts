import { existsSync } from "node:fs";
import { join } from "node:path";
import type { SegmentTokens } from "../../batch/segments.ts";
import { seededRandom } from "../../core/random.ts";
import type { FeatureKeeping, TrainedWeights } from "../../engine/engine-plugin.ts";
import { type EngineChoice, openEngine } from "../../engine/engines.ts";
import { adaptedModel } from "../../model/adapted-model.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { Trainee } from "../../training/loop.ts";
import { newAdapter } from "../../weights/new-adapter.ts";
import { writeAdapter } from "../../weights/write-adapter.ts";
import type { LoraSettings } from "./settings.ts";

/** What of a checkpoint is trained, and by whom. */
export interface TraineeRequest {
  readonly model: string;
  readonly config: ModelConfig;
  readonly engine: EngineChoice;
  readonly trained: TrainedWeights;
  readonly lora: LoraSettings | null;
  readonly seed: number;
  /** Where features of a frozen tower are kept; undefined: nowhere. */
  readonly features: FeatureKeeping | undefined;
  /** Run folder; a new adapter is written there. */
  readonly folder: string;
}

/** The vocabulary of a hub has no ends for segments: what is seen ends in its own token, a text like an answer. */
const ownTokens = ({ tokens }: ModelConfig): SegmentTokens => ({
  visionStart: tokens.visionStart,
  visionEnd: tokens.visionEnd,
  video: tokens.video,
  endComplete: tokens.visionEnd,
  endAbsent: tokens.visionEnd,
  endText: tokens.endOfText[0] ?? tokens.visionEnd,
});

/** The adapter that a run begins with: one that changes nothing, in the run folder. */
const startAdapter = ({ model, config, lora, seed, folder }: TraineeRequest): string | undefined => {
  if (lora === null) return undefined;
  const place = join(folder, "new-adapter");
  if (existsSync(place)) return place;
  const { rsLora, ...shape } = lora;
  const adapted = adaptedModel(config);
  const made = newAdapter(adapted, { ...shape, rsLora, base: model }, seededRandom(seed, "adapter"));
  writeAdapter(place, made, adapted);
  return place;
};

/**
 * Opens a checkpoint for training, with a new adapter where one is asked for.
 *
 * @throws {ConfigError} for targets that no module has
 */
export const openTrainee = async (
  request: TraineeRequest,
): Promise<{ readonly trainee: Trainee; readonly warnings: readonly string[] }> => {
  const { model, config, trained, lora, features } = request;
  const adapterFolder = startAdapter(request);
  const parts = Array.isArray(trained) ? (trained as readonly ("vision" | "merger" | "language")[]) : [];
  const { engine, warnings } = await openEngine(request.engine, {
    folder: model,
    trained: lora === null ? trained : ["adapter", ...parts],
    recurringShapes: 8,
    ...(features !== undefined && { features }),
    ...(adapterFolder !== undefined && { adapterFolder }),
  });
  const trainee = { engine, rules: batchRules(config), tokens: ownTokens(config), tokenizerFolder: model };
  return { trainee, warnings };
};
