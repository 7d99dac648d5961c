import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../../core/registry.ts";
import type { Settings } from "../../core/settings.ts";

/** The loops that a recipe can choose. */
export const trainingLoops = ["sft", "dpo", "grpo", "relevance"] as const;
/** One of {@link trainingLoops}. */
export type TrainingLoop = (typeof trainingLoops)[number];

/** A whole way of training: which loop, and what of its settings is chosen otherwise than by the loop itself. */
export interface TrainingRecipe {
  readonly loop: TrainingLoop;
  /** Laid over the loop's defaults; a person's own settings are laid over these. */
  readonly settings: Settings;
  /** Dotted paths of settings whose value, as it stands here or in the loop, is the paper's. */
  readonly paper: readonly string[];
}

/** A recipe as its file exports it. */
export interface TrainingRecipePlugin extends Plugin<TrainingRecipe> {}

/** Declares a recipe of `train`. */
export const defineTrainingRecipe: Define<TrainingRecipePlugin> = definer("training recipe");

/** Every recipe under `recipes/`, and what people add. */
export const trainingRecipes: Registry<TrainingRecipePlugin> = folderRegistry(
  "training recipe",
  new URL("./recipes/", import.meta.url),
);
