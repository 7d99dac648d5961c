/** Everything of a run that can be known before a model is in memory. */
import { resolve } from "node:path";
import type { GroupAtBlock } from "../../batch/segments.ts";
import { assert, ConfigError } from "../../core/errors.ts";
import type { ModelConfig } from "../../model/config.ts";
import { readConfigFile } from "../../model/families.ts";
import { makeLosses } from "../../objectives/losses.ts";
import { comparesTwins } from "../../training/comparative-grpo.ts";
import { preferenceObjective } from "../../training/preference-objective.ts";
import { checkSftFeeds } from "../../training/sft-feeds.ts";
import type { JobContext } from "../job-context.ts";
import { modelFolder } from "../model-folder.ts";
import type { LanguageLoop } from "./loops.ts";
import { type MixedGroups, mixedGroups } from "./mix.ts";
import { type PreferenceGroup, preferenceGroups } from "./preferences.ts";
import { promptGroups } from "./prompts.ts";
import type { ReadingSettings } from "./reading.ts";
import { Dropped, readRows, type SampleGroup, type TrainingRows } from "./rows.ts";
import { type ResolvedSettings, resolveSettings, type TrainRequest } from "./settings.ts";

/** A request with what its data sets and settings say. */
export interface Prepared {
  readonly model: string;
  readonly config: ModelConfig;
  readonly rows: TrainingRows;
  readonly resolved: ResolvedSettings & { readonly chosen: LanguageLoop };
  /** Of the loop `dpo`: the preferences of the rows, place by place those of `trained`. */
  readonly preferences: readonly PreferenceGroup[];
  /** What a step takes some of. */
  readonly trained: readonly SampleGroup[];
  /** Samples that are trained on, and what they are about. */
  readonly counts: { readonly samples: number; readonly clips: number };
  /** How `trained` is taken, of the loop `sft`; of others each epoch is a new order of all of it. */
  readonly mixed: MixedGroups | undefined;
  readonly dropped: Dropped;
}

/** The rows as the loop trains on them. */
const unitsOf = async (
  rows: TrainingRows,
  { chosen }: Prepared["resolved"],
  dropped: Dropped,
): Promise<Pick<Prepared, "preferences" | "trained" | "counts">> => {
  if (chosen.loop === "grpo") {
    const compares = await comparesTwins(chosen.options);
    const trained = promptGroups(rows.groups, chosen.options.answers, compares, dropped);
    const clips = new Set(trained.map(({ samples }) => samples[0]!.clip.sha256)).size;
    if (trained.length > 0) return { preferences: [], trained, counts: { samples: trained.length, clips } };
    throw new ConfigError("no prompts to learn from", {
      where: rows.datasets.map(({ folder }) => folder).join(", "),
      expected: "questions with an answer that can be graded, about clips that have a twin",
      got: `${rows.samples} samples without`,
      hint: "videoperceiver build makes twins, and questions of captions and events; --set lambda=0 compares nothing",
    });
  }
  if (chosen.loop !== "dpo") {
    const counts = { samples: rows.samples, clips: rows.groups.length };
    return { preferences: [], trained: rows.groups, counts };
  }
  const { pairs, answers } = chosen.options;
  const preferences = preferenceGroups(rows.groups, pairs, answers, dropped);
  if (preferences.length > 0) {
    const samples = new Set(preferences.flatMap(({ pairs: own }) => own.map(({ sample }) => sample.id))).size;
    const counts = { samples, clips: preferences.length };
    return { preferences, trained: preferences.map(({ group }) => group), counts };
  }
  throw new ConfigError("no preferences to learn from", {
    where: rows.datasets.map(({ folder }) => folder).join(", "),
    expected: `samples with one of ${pairs.join(", ")}`,
    got: `${rows.samples} samples without`,
    hint: "build with twins, or take rows with `rejected_response` or `rejected_videos`",
  });
};

const resolved = async (request: TrainRequest, clips: number): Promise<Prepared["resolved"]> => {
  const all = await resolveSettings(request, clips);
  const { chosen } = all;
  assert(chosen.loop !== "relevance", "an encoder is prepared for itself");
  return { ...all, chosen };
};

/**
 * Reads what a request names.
 *
 * @throws {ConfigError | UnknownNameError} for settings that cannot be, and data that the loop has nothing to learn from
 */
export const prepare = async (request: TrainRequest, context: JobContext): Promise<Prepared> => {
  if (request.model === "")
    throw new ConfigError("no model", { expected: "--model FOLDER, or model in the file" });
  const model = resolve(await modelFolder(request.model, "--model", context));
  const config = await readConfigFile(model);
  const dropped = new Dropped((line) => context.warn(line));
  const folders = request.data.map((folder) => resolve(folder));
  // Settings are checked before rows are read; how many clips there are only says how many steps.
  const first = await resolved(request, 1);
  const { split, validation } = first.common;
  const rows = await readRows(folders, { train: split, heldOut: validation.split }, dropped);
  const units = await unitsOf(rows, first, dropped);
  const whole = await resolved(request, units.trained.length);
  const { chosen } = whole;
  const states = await statesOf({ config, resolved: whole });
  const groups = { groups: units.trained, datasets: rows.datasets };
  const mixed = chosen.loop === "sft" ? mixedGroups(groups, chosen.options, states.length > 0) : undefined;
  return { model, config, rows, ...units, resolved: whole, mixed, dropped };
};

/**
 * The states that losses read; with any, clips are contrasted.
 *
 * @throws {ConfigError} for a block that is not there, or a loss that the loop cannot feed
 */
export const statesOf = async ({
  config,
  resolved: { chosen },
}: Pick<Prepared, "config" | "resolved">): Promise<readonly GroupAtBlock[]> => {
  if (chosen.loop === "dpo") await preferenceObjective(chosen.options);
  if (chosen.loop !== "sft") return [];
  const losses = await makeLosses(chosen.options.losses);
  checkSftFeeds(losses);
  const states = Object.values(losses).flatMap((term) => term.states);
  const beyond = states.find(({ block }) => block > config.text.layers);
  if (beyond !== undefined)
    throw new ConfigError("a loss reads a block that the model does not have", {
      expected: `1 to ${config.text.layers}`,
      got: String(beyond.block),
      hint: "e.g. --set losses.contrastive.block=2",
    });
  return states;
};

/** How clips are planned and read. */
export const readingSettings = async (prepared: Prepared): Promise<ReadingSettings> => {
  const { model, resolved, mixed } = prepared;
  const { look, mostTokens, extractor, keptMegabytes } = resolved.common;
  const contrasted = (await statesOf(prepared)).length > 0;
  return {
    model,
    look,
    mostTokens,
    extractor,
    keptMegabytes,
    withTwin: contrasted || resolved.chosen.loop !== "sft",
    contrasted,
    notContrasted: mixed?.notContrasted ?? new Set(),
    seed: resolved.chosen.options.seed,
  };
};
