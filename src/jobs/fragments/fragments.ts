import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import type { DatasetDescription } from "../../dataset/schema.ts";
import type { SplitShares } from "../../dataset/split.ts";
import { readKeptApart } from "../build/kept-apart.ts";
import { makeMissing } from "../build/make-missing.ts";
import { type NamedSource, planClips } from "../build/plan-clips.ts";
import type { ClipReading } from "../build/protocol.ts";
import { keptApartRecord } from "../build/rule-check.ts";
import { claimWork, finishedClips, workRecipe } from "../build/work-folder.ts";
import type { JobContext } from "../job-context.ts";
import { openMaker } from "./maker.ts";
import type { FragmentSettings } from "./protocol.ts";
import { putFragmentsTogether } from "./put-together.ts";
import type { ClipsKeptApart } from "./tools.ts";

/** Raised whenever equal clips and settings give other fragments. */
const fragmentsVersion = 9;

/** What fragments are made of. */
export interface FragmentsRequest {
  readonly sources: readonly NamedSource[];
  readonly out: string;
  readonly settings: FragmentSettings;
  readonly reading: ClipReading;
  readonly split?: SplitShares;
  /** Data sets, folders of clips, annotations and lists whose clips must not get in. */
  readonly notIn: readonly string[];
  /** Decoder processes; one a core when left out. Of many clips each has a thread of ours that makes the questions. */
  readonly workers?: number;
}

/** What became of it. */
export interface FragmentsResult {
  readonly folder: string;
  readonly description: DatasetDescription;
  /** Clips whose results were there from an earlier attempt. */
  readonly resumedClips: number;
  readonly rejectedByRule: Readonly<Record<string, number>>;
}

const openKeptApart = async (
  { notIn, reading }: FragmentsRequest,
  context: JobContext,
): Promise<{ readonly clips: ClipsKeptApart; readonly record: object } | undefined> => {
  if (notIn.length === 0) return undefined;
  const apart = await readKeptApart(notIn, reading, context);
  const { hashes, names, prints } = apart;
  return { clips: { hashes: [...hashes], names: [...names], prints }, record: keptApartRecord(apart) };
};

/**
 * Makes the fragment tasks of unlabelled clips as a data set. Work that was stopped, in whatever way, goes on where it
 * was; the files are the same bytes for every number of workers.
 *
 * @throws {ConfigError} for sources, names or a folder that cannot be used
 */
export const fragmentsDataset = async (
  request: FragmentsRequest,
  context: JobContext,
): Promise<FragmentsResult> => {
  const { settings } = request;
  if (settings.mode === "dialogue" && settings.form === "clip")
    throw new ConfigError("a dialogue shows new pictures in every turn, a sample has one clip", {
      expected: "--form images",
      got: "--form clip --mode dialogue",
    });
  const out = resolve(request.out);
  const workers = request.workers ?? availableParallelism();
  const keptApart = await openKeptApart(request, context);
  const plan = await planClips(request.sources, {}, context.signal);
  if (plan.clips.length === 0)
    throw new ConfigError("no source has a clip that can be used", {
      where: request.sources.map(({ place }) => place).join(", "),
      got: plan.rejected[0]?.reason ?? "no rows",
    });
  const order = { out, settings, reading: request.reading };
  await using maker = await openMaker(
    order,
    { workers, clips: plan.clips.length, keptApart: keptApart?.clips },
    context.warn,
  );
  const recipe = {
    program: "fragments",
    ...settings,
    // By what the lists say: clips that were let in before a list grew would stay.
    ...(keptApart && { notIn: keptApart.record }),
  };
  const lock = claimWork(out, workRecipe(recipe, plan, fragmentsVersion));
  try {
    const resumedClips = finishedClips(out, plan);
    const work = { out, plan, workers: maker.atATime, title: "fragments" };
    await makeMissing(work, context, (planned) => maker.make(planned, context.signal));
    const { signal } = context;
    const { description, rejections } = await putFragmentsTogether({
      out,
      plan,
      settings,
      split: request.split,
      notIn: keptApart?.record,
      signal,
    });
    return { folder: out, description, resumedClips, rejectedByRule: rejections.counts() };
  } finally {
    lock.release();
  }
};
