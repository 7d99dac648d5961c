/** The loops that a recipe can choose, with what each is told. */
import { z } from "zod";
import type { TrainingLoop } from "../../recipes/train/training-recipes.ts";
import { type DpoOptions, dpoParams } from "../../training/dpo-options.ts";
import { type DualEncoderOptions, dualEncoderParams } from "../../training/dual-encoder.ts";
import { type GrpoOptions, grpoParams } from "../../training/grpo-options.ts";
import { type SftOptions, sftParams } from "../../training/sft-options.ts";
import { type MixSettings, mixParams } from "./mix.ts";
import { type PairKind, pairKinds } from "./preferences.ts";
import type { AskingSettings } from "./prompts.ts";

/** What preferences are made of. */
export interface PairSettings {
  readonly pairs: readonly PairKind[];
  readonly answers: "letter" | "text";
}

const shapeOf = (...params: readonly z.ZodType[]): z.ZodRawShape =>
  Object.assign({}, ...params.map((one) => (one as unknown as z.ZodObject).shape)) as z.ZodRawShape;

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

/** Shape of a new frame-text encoder, and what it looks at. */
export interface FrameTextSettings {
  readonly framesPerClip: number;
  readonly pixels: number;
  readonly patch: number;
  readonly width: number;
  readonly reach: number;
  readonly checkpointEvery: number;
  readonly validation: { readonly split: string; readonly clips: number };
}

const whole = z.number().int().min(1);
const { threads: _, ...encoderShape } = shapeOf(dualEncoderParams);
const encoderParams = z.strictObject({
  ...encoderShape,
  framesPerClip: whole.default(16).describe("frames of a clip, evenly spread"),
  pixels: whole.default(112).describe("side of the square that frames become, a multiple of patch"),
  patch: whole.default(14).describe("side of a patch in pixels"),
  width: whole.default(64).describe("width of the space of frames and words"),
  reach: whole.default(1).describe("frames this far before and after are its surroundings"),
  checkpointEvery: whole
    .default(100)
    .describe("steps between checkpoints; held-out clips are looked at then"),
  validation: z
    .strictObject({
      split: z.string().min(1).default("validation").describe("part of the data sets that is looked at"),
      clips: whole.default(32).describe("clips of it at most"),
    })
    .prefault({}),
});

/** The chosen loop with its options. */
export type ChosenLoop =
  | { readonly loop: "sft"; readonly options: SftOptions & MixSettings }
  | { readonly loop: "dpo"; readonly options: DpoOptions & PairSettings }
  | { readonly loop: "grpo"; readonly options: GrpoOptions & AskingSettings }
  | { readonly loop: "relevance"; readonly options: Omit<DualEncoderOptions, "threads"> & FrameTextSettings };

/** Loops over a language model's checkpoint. */
export type LanguageLoop = Exclude<ChosenLoop, { loop: "relevance" }>;

/** What a loop is told, and the setting that says how many clips a step has. */
interface LoopShape {
  readonly shape: z.ZodRawShape;
  readonly perStep: { readonly name: string; readonly value: number };
  /** Whether it knows a setting that recipes have in common. */
  readonly knows: (name: string) => boolean;
}

const defaultOf = (shape: z.ZodRawShape, name: string): number =>
  Number((shape[name]!._zod.def as unknown as { defaultValue: unknown }).defaultValue);

/** Batches are as large as `positionsPerBatch` says, not as many as a person counts. */
const withoutBatches = ({ batchesPerStep: _, ...shape }: z.ZodRawShape): z.ZodRawShape => shape;

const shapes: Readonly<
  Record<
    TrainingLoop,
    {
      readonly shape: z.ZodRawShape;
      readonly perStep: string;
      /** The only common settings that it knows. */
      readonly common?: readonly string[];
      /** Common settings that it does not know. */
      readonly without?: readonly string[];
    }
  >
> = {
  sft: { shape: shapeOf(sftParams, mixParams), perStep: "clipsPerStep" },
  dpo: { shape: shapeOf(dpoParams, pairParams), perStep: "clipsPerStep", without: ["extractor"] },
  grpo: {
    shape: withoutBatches(shapeOf(grpoParams, askingParams)),
    perStep: "promptsPerStep",
    // No clip is contrasted with words there.
    without: ["extractor"],
  },
  relevance: {
    shape: shapeOf(encoderParams),
    perStep: "clipsPerStep",
    common: ["split", "epochs", "aheadMegabytes", "keptMegabytes", "extractor"],
  },
};

/** What a loop is told. */
export const loopOf = (loop: TrainingLoop): LoopShape => {
  const { shape, perStep, common, without = [] } = shapes[loop];
  const knows = (name: string): boolean => common?.includes(name) !== false && !without.includes(name);
  return { shape, perStep: { name: perStep, value: defaultOf(shape, perStep) }, knows };
};

/** Clips or prompts of a step. */
export const perStepOf = ({ loop, options }: ChosenLoop): number =>
  loop === "grpo" ? options.promptsPerStep : options.clipsPerStep;
