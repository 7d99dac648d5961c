import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { recordedExtractor } from "../../absent/caption-words.ts";
import { keywordExtractors } from "../../absent/keywords.ts";
import { ConfigError } from "../../core/errors.ts";
import type { Teacher, TeacherEstimate } from "../../dataset/teacher.ts";
import { recipeText } from "../../evaluation/records.ts";
import type { RelevanceEstimate } from "../../selection/relevance.ts";
import { recordedRelevance } from "../../selection/relevance-choice.ts";
import { askedFrames, costInWords, relevanceCostInWords } from "../endpoint-cost.ts";
import type { JobContext } from "../job-context.ts";
import type { BuildRequest } from "./build.ts";
import { chosenTeacher, openClipTools } from "./clip-tools.ts";
import { type BuildPlan, captionsOf, planClips } from "./plan-clips.ts";
import { previewFor } from "./preview-size.ts";
import { type BuildOrder, type ClipSettings, resultFile } from "./protocol.ts";

/** A build of which everything was found and checked, and nothing is written. */
export interface OpenedBuild {
  readonly plan: BuildPlan;
  readonly order: BuildOrder;
  readonly teacher: Teacher | undefined;
  /** The settings as they are recorded and passed on: without addresses of endpoints. */
  readonly recorded: ClipSettings;
}

/**
 * Reads the sources and finds what a build names.
 *
 * @throws {ConfigError} for sources or names that cannot be used
 * @throws {DataFormatError} for a source of which no row can be used
 */
export const openBuild = async (
  request: BuildRequest,
  { signal }: Pick<JobContext, "signal">,
): Promise<OpenedBuild> => {
  const plan = await planClips(request.sources, request.columns, signal);
  if (plan.clips.length === 0)
    throw new ConfigError("no source has a clip that can be used", {
      where: request.sources.map(({ place }) => place).join(", "),
      got:
        plan.rejected[0] === undefined
          ? "no rows"
          : `${plan.rejected.length} rows; ${plan.rejected[0].reason}`,
    });
  const rows = plan.clips.reduce((sum, clip) => sum + clip.rows.length, 0);
  const teacher = await chosenTeacher(request.teacher);
  const settings = {
    ...request.settings,
    preview: previewFor(rows),
    ...(teacher && { teacher: teacher.record }),
  };
  const { reading, plugins } = request;
  const order: BuildOrder = {
    ...{ out: resolve(request.out), settings, reading, plugins },
    captions: captionsOf(plan, settings.seed),
    ...(request.teacher !== undefined && { teacher: request.teacher }),
    processes: Math.max(1, request.workers ?? availableParallelism()),
  };
  await using tools = await openClipTools(order, () => {});
  const chosen = settings.relevance === "auto" ? undefined : await tools.relevance(settings.relevance);
  const relevance =
    chosen?.made.value.recorded === undefined ? settings.relevance : recipeText(recordedRelevance(chosen));
  const named = await keywordExtractors.choose(settings.extractor);
  const extractor =
    named.value.recorded === undefined ? settings.extractor : recipeText(recordedExtractor(named));
  return { plan, order, teacher, recorded: { ...settings, relevance, extractor } };
};

/** What endpoints are asked of the clips that are still to be made. */
export interface BuildOutlook {
  readonly clips: number;
  readonly rows: number;
  /** Rows that cannot be used, by what their source says of them. */
  readonly unusable: number;
  /** Clips that are still to be made. */
  readonly clipsLeft: number;
  /** What asking the relevance provider takes at most; null where it asks no endpoint. */
  readonly relevance: RelevanceEstimate | null;
  readonly teacher: TeacherEstimate | null;
}

/** Looks ahead: clips are probed where their frames are what is paid for, and none is decoded. */
export const buildOutlook = async (
  { plan, order, teacher }: OpenedBuild,
  { signal }: Pick<JobContext, "signal">,
): Promise<BuildOutlook> => {
  const left = plan.clips.filter(({ position }) => !existsSync(join(order.out, resultFile(position))));
  await using tools = await openClipTools(order, () => {});
  const name = order.settings.relevance;
  const scored = left.map(({ path, rows }) => ({
    file: path,
    times: rows.filter(({ row }) => row.absent === undefined).length,
  }));
  const chosen = name === "auto" ? undefined : await tools.relevance(name);
  const frames =
    chosen === undefined
      ? 0
      : await askedFrames({ relevance: chosen, chooser: tools.chooser }, scored, tools.clips, { signal });
  return {
    clips: plan.clips.length,
    rows: plan.clips.reduce((sum, { rows }) => sum + rows.length, 0),
    unusable: plan.rejected.length,
    clipsLeft: left.length,
    relevance: chosen?.made.value.estimate?.(frames) ?? null,
    teacher: teacher?.estimate(left.length) ?? null,
  };
};

/** What endpoints will be asked at most, a line each; none where nobody is asked. */
export const costLines = (
  { relevance, teacher, clipsLeft }: BuildOutlook,
  relevanceName: string,
  again = 0,
): string[] => {
  const before = again > 0 ? ` (${again} of them could not be answered last time)` : "";
  return [
    ...(relevance === null ? [] : [relevanceCostInWords(relevanceName, relevance)]),
    ...(teacher === null
      ? []
      : [
          `${clipsLeft.toLocaleString("en-US")} clips to ask the teacher about${before}: ${costInWords(teacher)}; what was answered before is not asked again`,
        ]),
  ];
};

/** Tells before the start what asking endpoints takes. @param again clips that an endpoint could not answer last time */
export const tellCosts = async (opened: OpenedBuild, again: number, context: JobContext): Promise<void> => {
  const outlook = await buildOutlook(opened, context);
  const name = opened.order.settings.relevance.split(":")[0]!;
  const progress = context.progress("endpoints", "clips");
  for (const line of costLines(outlook, name, again)) progress.log(line);
};

/** What a build would do, without doing it. @throws as {@link openBuild} */
export const describeBuild = async (
  request: BuildRequest,
  context: JobContext,
): Promise<BuildOutlook & { readonly lines: readonly string[] }> => {
  const opened = await openBuild(request, context);
  const outlook = await buildOutlook(opened, context);
  const { settings } = opened.order;
  return { ...outlook, lines: costLines(outlook, settings.relevance.split(":")[0]!) };
};
