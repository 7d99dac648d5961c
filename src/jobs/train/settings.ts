/** What a training run is told: a recipe, a file or the command line, resolved to every value. */
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { ConfigError, DataFormatError, messageOf } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import { checkKeys, flatSettings, mergeSettings, type Settings, settingAt } from "../../core/settings.ts";
import type { TrainedWeights } from "../../engine/engine-plugin.ts";
import { type TrainingRecipe, trainingRecipes } from "../../recipes/train/training-recipes.ts";
import type { LookRequest } from "../ask/answerer.ts";
import { type ChosenLoop, loopOf } from "./loops.ts";

const count = z.number().int().min(1);

/** How clips are looked at where a sample does not say; what is left out is the processor's own choice. */
const lookParams = z
  .strictObject({
    fps: z.number().positive().optional().describe("frames a second"),
    frames: count.optional().describe("frames of a clip, instead of a rate"),
    minPixels: count.optional().describe("fewest pixels of a frame"),
    maxPixels: count.optional().describe("most pixels of a frame"),
    totalPixels: count.optional().describe("most pixels of all pairs of frames together"),
  })
  .prefault({});

/** Shape of a new adapter. */
export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  readonly targets: string | readonly string[];
  readonly rsLora: boolean;
  readonly vision: boolean;
}

const loraParams = z.strictObject({
  rank: count.default(32).describe("rank of the adapter"),
  alpha: z.number().positive().default(64).describe("scale of the side path, times the root of or the rank"),
  targets: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .default("all-linear")
    .describe("ends of module names, one regular expression, or all-linear"),
  rsLora: z.boolean().default(false).describe("divide alpha by the root of the rank"),
  vision: z.boolean().default(false).describe("modules of the vision tower and the merger too"),
});

/** What is looked at while a model is trained. */
export interface ValidationSettings {
  readonly split: string;
  readonly clips: number;
  readonly answers: number;
  readonly maxNewTokens: number;
}

const validationParams = z
  .strictObject({
    split: z
      .string()
      .min(1)
      .default("validation")
      .describe("part of the data sets; none: nothing is looked at"),
    clips: count.default(32).describe("clips of it at most"),
    answers: z
      .number()
      .int()
      .min(0)
      .default(16)
      .describe(
        "questions that are answered at every look, about the clip, its twin and the control; 0: none",
      ),
    maxNewTokens: count.default(64).describe("longest such answer in tokens"),
  })
  .prefault({});

/** What every recipe is told besides its loop's own options. */
const commonParams = z.strictObject({
  split: z.string().min(1).default("train").describe("part of the data sets; rows without a part count"),
  epochs: z.number().positive().nullable().default(null).describe("passes over the clips, instead of steps"),
  look: lookParams,
  positionsPerBatch: count
    .default(4096)
    .describe(
      "positions that are computed at once, padding included; a step takes as many batches as it needs",
    ),
  mostTokens: count.default(16_384).describe("longest conversation; a longer one is dropped and named"),
  aheadMegabytes: count.default(512).describe("patches that may wait for the steps to come"),
  keptMegabytes: z
    .number()
    .min(0)
    .default(512)
    .describe("clips as patches and token ids that are kept for the epochs to come; 0: all is read again"),
  featureMegabytes: z
    .number()
    .min(0)
    .default(512)
    .describe(
      "what a frozen vision tower and merger make of pictures, kept in memory; it is kept on disk besides",
    ),
  extractor: z
    .string()
    .min(1)
    .default("offline")
    .describe("what reads keywords out of captions for rows that have none, where clips are contrasted"),
  trained: z
    .union([z.literal("all"), z.array(z.enum(["vision", "merger", "language"])).min(1)])
    .default("all")
    .describe("parts that are trained, e.g. [merger, language]; beside an adapter: trained whole with it"),
  lora: loraParams.nullable().default(null).describe("train an adapter; null: the weights themselves"),
  validation: validationParams,
});

/** What a run is told besides the options of its loop. */
export interface CommonSettings {
  readonly split: string;
  readonly epochs: number | null;
  readonly look: LookRequest;
  readonly positionsPerBatch: number;
  readonly mostTokens: number;
  readonly aheadMegabytes: number;
  readonly keptMegabytes: number;
  readonly featureMegabytes: number;
  readonly extractor: string;
  readonly trained: TrainedWeights;
  readonly lora: LoraSettings | null;
  readonly validation: ValidationSettings;
}

/** A run as a person states it: on the command line, or in a file. */
export interface TrainRequest {
  readonly recipe: string;
  /** Empty: none was named. */
  readonly model: string;
  readonly data: readonly string[];
  readonly engine?: string | undefined;
  readonly threads?: number | undefined;
  readonly settings: Settings;
}

const fileSchema = z.strictObject({
  recipe: z.string().min(1),
  model: z.string().min(1).optional(),
  data: z.array(z.string().min(1)).optional(),
  engine: z.string().min(1).optional(),
  threads: count.optional(),
  settings: z.record(z.string(), z.unknown()).default({}),
});

/** Values of `key=value` as YAML reads them: numbers, true, null, lists, texts. @throws {ConfigError} */
export const parseSettings = (given: readonly string[]): Settings =>
  given.reduce<Settings>((all, text) => {
    const equals = text.indexOf("=");
    if (equals < 1) throw new ConfigError("bad --set", { expected: "key=value, e.g. steps=200", got: text });
    try {
      return mergeSettings(all, settingAt(text.slice(0, equals), parse(text.slice(equals + 1)) as unknown));
    } catch (error) {
      throw new ConfigError("bad --set", { got: text, hint: messageOf(error), cause: error });
    }
  }, {});

/** True for a name that is a file with a run in it, not a recipe. */
const isFile = (name: string): boolean =>
  /\.(ya?ml|json)$/i.test(name) || (isAbsolute(name) && existsSync(name));

/** What `train` was told, with what the command line says laid over a file. */
export interface GivenRequest {
  /** A recipe's name, or a file. */
  readonly what: string;
  readonly model: string | undefined;
  readonly data: readonly string[] | undefined;
  readonly engine: string | undefined;
  readonly threads: number | undefined;
  readonly settings: Settings;
}

/**
 * Reads a run's file, YAML or the `config.json` of a run folder; names in it are relative to where the command runs.
 *
 * @throws {DataFormatError} for a file that says something else
 * @throws {ConfigError} without data
 */
export const readRequest = (given: GivenRequest): TrainRequest => {
  let file: Partial<TrainRequest> = { recipe: given.what };
  if (isFile(given.what)) {
    let read: unknown;
    try {
      read = parse(readTextFile(given.what));
    } catch (error) {
      throw new DataFormatError("not a run's file", {
        where: given.what,
        got: messageOf(error),
        cause: error,
      });
    }
    const { resolved: _, ...stated } = (read ?? {}) as Record<string, unknown>;
    const parsed = fileSchema.safeParse(stated);
    if (!parsed.success)
      throw new DataFormatError("not a run's file", { where: given.what, got: explainZod(parsed.error) });
    file = parsed.data as Partial<TrainRequest>;
  }
  const { model = file.model, data = file.data, engine = file.engine, threads = file.threads } = given;
  if (data === undefined || data.length === 0)
    throw new ConfigError("no data set", { expected: "--data FOLDER..., or data in the file" });
  const settings = mergeSettings(file.settings ?? {}, given.settings);
  return { recipe: file.recipe!, model: model ?? "", data, engine, threads, settings };
};

/** Who a value is from. */
export type SettingOrigin = "paper" | "ours" | "given";

/** A run with every value. */
export interface ResolvedSettings {
  readonly recipe: TrainingRecipe;
  readonly common: CommonSettings;
  readonly chosen: ChosenLoop;
  /** All of them as one tree, as `config.json` has them. */
  readonly settings: Settings;
  /** Dotted path, value and origin of every setting. */
  readonly origins: readonly {
    readonly path: string;
    readonly value: unknown;
    readonly origin: SettingOrigin;
  }[];
}

/** Steps as they are stated, or those of whole passes. @param perStep clips a step */
const stepsOf = (settings: Settings, clips: number, perStep: number): number => {
  const { steps, epochs } = settings as { steps?: number | null; epochs?: number | null };
  const isGiven = (value: number | null | undefined): value is number =>
    value !== undefined && value !== null;
  if (isGiven(steps) && isGiven(epochs))
    throw new ConfigError("both steps and epochs", { expected: "one of them" });
  return isGiven(steps) ? steps : Math.ceil(((epochs ?? 1) * clips) / perStep);
};

/**
 * Fills in every value: the person's, else the recipe's, else the loop's.
 *
 * @param clips how many clips there are, for steps of whole passes
 * @throws {UnknownNameError} naming the nearest setting
 * @throws {ConfigError} for a value that a setting cannot have
 */
export const resolveSettings = async (request: TrainRequest, clips: number): Promise<ResolvedSettings> => {
  const { value: recipe } = await trainingRecipes.make(request.recipe);
  const loop = loopOf(recipe.loop);
  const common = Object.entries(commonParams.shape).filter(([name]) => loop.knows(name));
  const schema = z.strictObject({ ...Object.fromEntries(common), ...loop.shape });
  checkKeys(request.settings, schema);
  const stated = mergeSettings(recipe.settings, request.settings);
  const steps = stepsOf(stated, clips, Number(stated[loop.perStep.name] ?? loop.perStep.value));
  const schedule = { warmupSteps: Math.min(100, Math.ceil(steps / 10)), ...(stated["schedule"] as object) };
  const parsed = schema.safeParse({ ...stated, steps, epochs: null, schedule });
  if (!parsed.success) throw new ConfigError("a setting that cannot be", { got: explainZod(parsed.error) });
  const settings = parsed.data as Settings;
  const own = (names: readonly string[]): Settings =>
    Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)));
  const given = flatSettings(request.settings);
  const origins = [...flatSettings(settings)].map(([path, value]) => ({
    path,
    value,
    origin: given.has(path)
      ? ("given" as const)
      : recipe.paper.includes(path)
        ? ("paper" as const)
        : ("ours" as const),
  }));
  return {
    recipe,
    common: own(Object.keys(commonParams.shape)) as unknown as CommonSettings,
    chosen: { loop: recipe.loop, options: own(Object.keys(loop.shape)) } as unknown as ChosenLoop,
    settings,
    origins,
  };
};
