import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import type { DatasetDescription } from "../../dataset/schema.ts";
import { SetPage } from "../../dataset/set-page.ts";
import type { SplitShares } from "../../dataset/split.ts";
import type { JobContext } from "../job-context.ts";
import { aboutTime } from "../timetable.ts";
import { assembleDataset } from "./assemble.ts";
import { openClipTools } from "./build-clip.ts";
import { datasetCard, leakSentence, RejectionCounts } from "./card.ts";
import { Decisions, decisionsSchemaName, readDecisions } from "./decisions.ts";
import { readKeptApart } from "./kept-apart.ts";
import { localFeed } from "./local-feed.ts";
import { pairData, rejectedData } from "./page-rows.ts";
import { type BuildPlan, type NamedSource, planClips } from "./plan-clips.ts";
import { type BuildOrder, buildFolder, type ClipReading, type ClipSettings } from "./protocol.ts";
import { chooseRules, RuleCheck } from "./rule-check.ts";
import { Tally } from "./tally.ts";
import { claimWork, finishedClips, workRecipe } from "./work-folder.ts";
import { runWorkers } from "./worker-group.ts";

/** What is built of what. */
export interface BuildRequest {
  readonly sources: readonly NamedSource[];
  /** Meaning of columns of tables, on top of what is found by itself. */
  readonly columns: Readonly<Record<string, string>>;
  readonly out: string;
  /** All but the preview's size, which follows from the number of clips. */
  readonly settings: Omit<ClipSettings, "preview">;
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
  readonly warnings: readonly string[];
}

/** Makes what is missing, with its rate and the time left. @returns seconds and clips that were made */
const makeClips = async (
  request: BuildRequest,
  order: BuildOrder,
  plan: BuildPlan,
  context: JobContext,
): Promise<{ readonly seconds: number; readonly made: number }> => {
  const total = plan.clips.length;
  const before = finishedClips(order.out, plan);
  const workers = Math.min(request.workers ?? availableParallelism(), Math.max(1, total - before));
  const display = context.progress("build", "clips");
  display.update(before, total, before > 0 && before < total ? "going on" : undefined);
  if (before === total) return { seconds: 0, made: 0 };
  const started = nowMilliseconds();
  let [made, rejected] = [0, 0];
  const feed = localFeed({
    out: order.out,
    clips: plan.clips,
    attempts: request.attempts,
    onDone: (_, refused) => {
      made++;
      rejected += refused;
      const minutes = (nowMilliseconds() - started) / 60_000;
      const left = ((total - before - made) * minutes * 60) / made;
      const refusedNote = rejected > 0 ? `, ${rejected} rows rejected` : "";
      display.update(
        before + made,
        total,
        `${(made / minutes).toFixed(0)} clips/min, ${aboutTime(left)} left${refusedNote}`,
      );
    },
    onLost: (line) => context.warn(line),
  });
  await runWorkers({ order, workers, feed, signal: context.signal });
  return { seconds: (nowMilliseconds() - started) / 1000, made };
};

/** Sizes of previews: a page of many pairs holds smaller ones. */
const previewFor = (rows: number): ClipSettings["preview"] => {
  if (rows <= 500) return { frames: 16, pixels: 160, quality: 60 };
  if (rows <= 2000) return { frames: 12, pixels: 128, quality: 50 };
  return rows <= 10_000 ? { frames: 8, pixels: 96, quality: 45 } : { frames: 6, pixels: 80, quality: 40 };
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
  const apart = await readKeptApart(request.notIn, request.reading, context);
  const { rules, recipes } = await chooseRules(request.rules, request.skippedRules, {
    ...(request.notIn.length > 0 && {
      "not-in": { hashes: [...apart.hashes], names: [...apart.names], prints: apart.prints },
    }),
  });
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
  const settings = { ...request.settings, preview: previewFor(rows) };
  const order: BuildOrder = { out, settings, reading: request.reading, plugins: request.plugins };
  // A wrong name costs nothing when it is found before the work.
  await (await openClipTools(order, () => {}))[Symbol.asyncDispose]();
  const lock = claimWork(out, workRecipe(settings, plan));
  try {
    const resumedClips = finishedClips(out, plan);
    const { seconds, made } = await makeClips(request, order, plan, context);
    const check = new RuleCheck(rules, decisions);
    const tally = new Tally();
    const rejections = new RejectionCounts();
    const warnings: string[] = [];
    let leak = tally.textLeak();
    const page = new SetPage(join(out, buildFolder, "rows.html"));
    const description = await assembleDataset({
      out,
      plan,
      check,
      store: settings.store,
      ...(request.split && { split: request.split }),
      recipe: {
        name: "build",
        params: {
          sources: plan.sources,
          settings,
          rules: recipes,
          ...(request.split && { split: request.split }),
          ...(request.decisions !== undefined && {
            decisions: sha256(readFileSync(request.decisions)),
          }),
        },
      },
      onRow: (assembled) => {
        tally.add(assembled);
        page.add(pairData(assembled, plan));
      },
      onRejection: (rejection, isRow) => {
        rejections.add(rejection);
        if (isRow) page.add(rejectedData(rejection));
      },
      card: (described) => {
        leak = tally.textLeak();
        const strangers = decisions.strangers();
        if (strangers.length > 0)
          warnings.push(
            `${strangers.length} decisions are about nothing in this data set: ${strangers.slice(0, 3).join(", ")}`,
          );
        if (check.overruled > 0)
          warnings.push(`${check.overruled} samples stay by decision of a person against a rule`);
        const title = basename(out);
        return datasetCard({ title, plan, tally, leak, rejections, warnings, description: described });
      },
      progress: context.progress("assemble", "steps"),
      signal,
    });
    page.close();
    page.write(join(out, "index.html"), {
      title: basename(out),
      description,
      pairs: tally.pairs,
      decisionsSchema: decisionsSchemaName,
    });
    return {
      folder: out,
      description,
      pairs: tally.pairs,
      resumedClips,
      rejectedByRule: rejections.counts(),
      meanShare: tally.share.value,
      meanEventsGone: tally.eventsGone.value,
      seconds: (nowMilliseconds() - started) / 1000,
      clipsPerMinute: made > 0 && seconds > 0 ? (60 * made) / seconds : null,
      textLeak: { isLeaking: leak.isLeaking, headline: leakSentence(leak) },
      warnings,
    };
  } finally {
    lock.release();
  }
};
