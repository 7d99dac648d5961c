import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import type { DatasetDescription } from "../../dataset/schema.ts";
import type { SplitShares } from "../../dataset/split.ts";
import type { TeacherEstimate } from "../../dataset/teacher.ts";
import type { JobContext } from "../job-context.ts";
import { aboutTime } from "../timetable.ts";
import { leakSentence } from "./card.ts";
import { chosenTeacher, openClipTools } from "./clip-tools.ts";
import { Decisions, readDecisions } from "./decisions.ts";
import { readKeptApart } from "./kept-apart.ts";
import { makeClips } from "./make-clips.ts";
import { captionsOf, type NamedSource, planClips } from "./plan-clips.ts";
import { previewFor } from "./preview-size.ts";
import type { BuildOrder, ClipReading, ClipSettings } from "./protocol.ts";
import { putTogether } from "./put-together.ts";
import { measuredRate, rememberRate } from "./rates.ts";
import { makeRules, wantedRules } from "./rule-check.ts";
import { claimWork, finishedClips, forgetUnanswered, workRecipe } from "./work-folder.ts";

/** What is built of what. */
export interface BuildRequest {
  readonly sources: readonly NamedSource[];
  /** Meaning of columns of tables, on top of what is found by itself. */
  readonly columns: Readonly<Record<string, string>>;
  readonly out: string;
  /** All but the preview's size, which follows from the number of clips, and the teacher's record. */
  readonly settings: Omit<ClipSettings, "preview" | "teacher">;
  /** `NAME:ARGUMENT` of somebody who looks at clips and says what happens. */
  readonly teacher?: string;
  readonly reading: ClipReading;
  readonly plugins: readonly string[];
  /** Rules that check what was built; all of them when left out. */
  readonly rules?: readonly string[];
  readonly skippedRules: readonly string[];
  /** File that the page saved. */
  readonly decisions?: string;
  readonly split?: SplitShares;
  /** Data sets, folders of clips, annotations and lists whose clips must not get in. */
  readonly notIn: readonly string[];
  /** Worker processes; one a core when left out. */
  readonly workers?: number;
  /** `postgres://...`: other machines work at it as well. */
  readonly queue?: string;
  /** How often a clip may cost its worker before it is given up. */
  readonly attempts: number;
}

/** What became of it. */
export interface BuildResult {
  readonly folder: string;
  readonly description: DatasetDescription;
  readonly pairs: number;
  /** Clips whose results were there from an earlier attempt. */
  readonly resumedClips: number;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  readonly meanShare: number | null;
  readonly meanEventsGone: number | null;
  readonly seconds: number;
  /** Clips that were made a minute; null when none was. */
  readonly clipsPerMinute: number | null;
  readonly textLeak: { readonly isLeaking: boolean; readonly headline: string };
  /** What language models read, wrote and cost; null when none was asked. */
  readonly keywords: { readonly tokens: number; readonly cost: number } | null;
  /** The same of the teacher. */
  readonly teacher: { readonly tokens: number; readonly cost: number } | null;
  readonly warnings: readonly string[];
}

/** Says before the start what asking the teacher takes at most. */
const announceTeacher = (
  { promptTokens, completionTokens, cost, leastSeconds }: TeacherEstimate,
  clips: number,
  again: number,
  context: JobContext,
): void => {
  const count = (value: number): string => Math.round(value).toLocaleString("en-US");
  const money = cost > 0 ? `, cost at most ${cost.toFixed(2)}` : ", without a price";
  const time = leastSeconds > 0 ? `, at least ${aboutTime(leastSeconds)} at the rate that was given` : "";
  const before = again > 0 ? ` (${again} of them could not be answered last time)` : "";
  context
    .progress("teacher", "clips")
    .log(
      `${count(clips)} clips to ask the teacher about${before}: at most ${count(promptTokens)} tokens in, ${count(completionTokens)} out${money}${time}; what was answered before is not asked again`,
    );
};

/**
 * Builds a data set of sources: pairs, questions, what the rules say, card. A build that was stopped, in whatever way,
 * goes on where it was; the files are the same bytes for every number of workers.
 *
 * @throws {ConfigError} for sources, names or a folder that cannot be used
 * @throws {DataFormatError} for a source of which no row can be used
 */
export const buildDataset = async (request: BuildRequest, context: JobContext): Promise<BuildResult> => {
  const { signal } = context;
  const out = resolve(request.out);
  const started = nowMilliseconds();
  const decisions = request.decisions === undefined ? new Decisions() : readDecisions(request.decisions);
  // A wrong name costs nothing when it is found before anything is read.
  const keepsApart = request.notIn.length > 0;
  const wanted = await wantedRules(request.rules, request.skippedRules, keepsApart);
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
    ...{ out, settings, reading, plugins },
    captions: captionsOf(plan, settings.seed),
    ...(request.teacher !== undefined && { teacher: request.teacher }),
    processes: Math.max(1, request.workers ?? availableParallelism()),
  };
  await (await openClipTools(order, () => {}))[Symbol.asyncDispose]();
  const recipe = workRecipe(settings, plan);
  const lock = claimWork(out, recipe);
  try {
    const apart = keepsApart ? await readKeptApart(request.notIn, request.reading, context) : undefined;
    const rules = await makeRules(wanted, apart);
    const again = forgetUnanswered(out);
    const resumedClips = finishedClips(out, plan);
    if (teacher !== undefined)
      announceTeacher(
        teacher.estimate(plan.clips.length - resumedClips),
        plan.clips.length - resumedClips,
        again,
        context,
      );
    const work = await makeClips(request, order, recipe, plan, context);
    const assembling = nowMilliseconds();
    const { split, decisions: decisionsFile } = request;
    const clips = { ...rules, split, decisionsFile, decisions, settings, plan, out };
    const made = await putTogether(clips, context);
    const { tally, rejections, description, leak, warnings } = made;
    // A mixture of providers says nothing of any of them.
    const [relevance, ...others] = tally.relevance.keys();
    if (relevance !== undefined && others.length === 0)
      rememberRate(
        relevance,
        measuredRate(out, plan, work, (nowMilliseconds() - assembling) / 1000),
        context.warn,
      );
    return {
      folder: out,
      description,
      pairs: tally.pairs,
      resumedClips,
      rejectedByRule: rejections.counts(),
      meanShare: tally.share.value,
      meanEventsGone: tally.eventsGone.value,
      seconds: (nowMilliseconds() - started) / 1000,
      clipsPerMinute: work.made > 0 && work.seconds > 0 ? (60 * work.made) / work.seconds : null,
      textLeak: { isLeaking: leak.isLeaking, headline: leakSentence(leak) },
      teacher: tally.teacher.tokens === 0 ? null : tally.teacher,
      keywords: tally.keywordTokens === 0 ? null : { tokens: tally.keywordTokens, cost: tally.keywordCost },
      warnings,
    };
  } finally {
    lock.release();
  }
};
