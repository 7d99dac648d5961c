import { nowMilliseconds } from "../../core/progress.ts";
import type { DatasetDescription } from "../../dataset/schema.ts";
import type { SplitShares } from "../../dataset/split.ts";
import type { JobContext } from "../job-context.ts";
import { leakSentence } from "./card.ts";
import { Decisions, otherDataset, readDecisions } from "./decisions.ts";
import { readKeptApart } from "./kept-apart.ts";
import { makeClips } from "./make-clips.ts";
import { openBuild, tellCosts } from "./open-build.ts";
import type { NamedSource } from "./plan-clips.ts";
import type { ClipReading, ClipSettings } from "./protocol.ts";
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

/**
 * Builds a data set of sources: pairs, questions, what the rules say, card. A build that was stopped, in whatever way,
 * goes on where it was; the files are the same bytes for every number of workers.
 *
 * @throws {ConfigError} for sources, names or a folder that cannot be used
 * @throws {DataFormatError} for a source of which no row can be used
 */
export const buildDataset = async (request: BuildRequest, context: JobContext): Promise<BuildResult> => {
  const started = nowMilliseconds();
  const decisions = request.decisions === undefined ? new Decisions() : readDecisions(request.decisions);
  // A wrong name costs nothing when it is found before anything is read.
  const keepsApart = request.notIn.length > 0;
  const wanted = await wantedRules(request.rules, request.skippedRules, keepsApart);
  const opened = await openBuild(request, context);
  const { plan, order, recorded } = opened;
  const { out } = order;
  const recipe = workRecipe(recorded, plan);
  const lock = claimWork(out, recipe);
  try {
    const apart = keepsApart ? await readKeptApart(request.notIn, request.reading, context) : undefined;
    const rules = await makeRules(wanted, apart);
    const again = forgetUnanswered(out);
    const resumedClips = finishedClips(out, plan);
    await tellCosts(opened, again, context);
    const work = await makeClips(request, order, recipe, plan, context);
    const assembling = nowMilliseconds();
    const { split, decisions: decisionsFile } = request;
    const places = request.sources.map(({ place }) => place);
    const other =
      decisionsFile === undefined ? undefined : otherDataset(decisionsFile, decisions, out, places);
    if (other !== undefined) context.warn(other);
    const clips = { ...rules, split, decisionsFile, decisions, settings: recorded, plan, out };
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
