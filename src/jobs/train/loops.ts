/** The loops that a recipe can choose, with what each is told. */
import { z } from "zod";
import type { TrainingLoop } from "../../recipes/train/training-recipes.ts";
import { type DpoOptions, dpoParams } from "../../training/dpo-options.ts";
import { type GrpoOptions, grpoParams } from "../../training/grpo-options.ts";
import { type SftOptions, sftParams } from "../../training/sft-options.ts";
import { type PairKind, pairKinds } from "./preferences.ts";
import type { AskingSettings } from "./prompts.ts";

/** What preferences are made of. */
export interface PairSettings {
  readonly pairs: readonly PairKind[];
  readonly answers: "letter" | "text";
}

const answers = z
  .enum(["letter", "text"])
  .default("letter")
  .describe("how questions with options are answered; the options stand behind the question");

const pairParams = z.strictObject({
  pairs: z
    .array(z.enum(pairKinds))
    .min(1)
    .default([...pairKinds])
    .describe(
      "what is preferred: the clip over its twin, a row's better side, the right option over a wrong one",
    ),
  answers,
});

const askingParams = z.strictObject({
  answers,
  refeedInstruction: z
    .string()
    .min(1)
    .default("Look closely at what happens and when, then answer again.")
    .describe("words behind a question that is asked again (ours; the paper gives none)"),
});

/** The chosen loop with its options. */
export type ChosenLoop =
  | { readonly loop: "sft"; readonly options: SftOptions }
  | { readonly loop: "dpo"; readonly options: DpoOptions & PairSettings }
  | { readonly loop: "grpo"; readonly options: GrpoOptions & AskingSettings };

/** What a loop is told, and the setting that says how many clips a step has. */
interface LoopShape {
  readonly shape: z.ZodRawShape;
  readonly perStep: { readonly name: string; readonly value: number };
}

const shapeOf = (...params: readonly z.ZodType[]): z.ZodRawShape =>
  Object.assign({}, ...params.map((one) => (one as unknown as z.ZodObject).shape)) as z.ZodRawShape;

const defaultOf = (shape: z.ZodRawShape, name: string): number =>
  Number((shape[name]!._zod.def as unknown as { defaultValue: unknown }).defaultValue);

/** Batches are as large as `positionsPerBatch` says, not as many as a person counts. */
const withoutBatches = ({ batchesPerStep: _, ...shape }: z.ZodRawShape): z.ZodRawShape => shape;

const shapes: Readonly<Record<TrainingLoop, { readonly shape: z.ZodRawShape; readonly perStep: string }>> = {
  sft: { shape: shapeOf(sftParams), perStep: "clipsPerStep" },
  dpo: { shape: shapeOf(dpoParams, pairParams), perStep: "clipsPerStep" },
  grpo: { shape: withoutBatches(shapeOf(grpoParams, askingParams)), perStep: "promptsPerStep" },
};

/** What a loop is told. */
export const loopOf = (loop: TrainingLoop): LoopShape => {
  const { shape, perStep } = shapes[loop];
  return { shape, perStep: { name: perStep, value: defaultOf(shape, perStep) } };
};

/** Clips or prompts of a step. */
export const perStepOf = ({ loop, options }: ChosenLoop): number =>
  loop === "grpo" ? options.promptsPerStep : options.clipsPerStep;
