import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { readTextFile, sha256, syncFiles } from "../../core/files.ts";
import { listHashes, readVisualSynonyms } from "../../fragments/finevidbench/actions.ts";
import { chosenTeacher } from "../build/clip-tools.ts";
import { makeMissing } from "../build/make-missing.ts";
import { type NamedSource, planClips } from "../build/plan-clips.ts";
import type { ClipReading } from "../build/protocol.ts";
import {
  claimWork,
  finishedClips,
  forgetUnanswered,
  noteUnanswered,
  removeBegun,
  workRecipe,
} from "../build/work-folder.ts";
import { costInWords } from "../endpoint-cost.ts";
import type { JobContext } from "../job-context.ts";
import { makeBenchmarkClip } from "./make-clip.ts";
import type { FineVidBenchSettings } from "./protocol.ts";
import { type BenchmarkDescription, putBenchmarkTogether } from "./put-together.ts";
import { openBenchmarkTools } from "./tools.ts";

/** Raised whenever equal clips and settings give other questions. */
const benchmarkVersion = 3;

/** What a benchmark is made of. */
export interface FineVidBenchRequest {
  readonly sources: readonly NamedSource[];
  readonly columns: Readonly<Record<string, string>>;
  readonly out: string;
  /** All but what follows from the fields below. */
  readonly settings: Omit<FineVidBenchSettings, "lists" | "synonyms" | "teacher">;
  /** A file of further visual synonyms. */
  readonly synonyms?: string;
  /** `NAME:ARGUMENT` of who is asked what clips show. */
  readonly teacher?: string;
  readonly reading: ClipReading;
  /** Decoder processes, and clips that are made at a time; one a core when left out. */
  readonly workers?: number;
}

/** What became of it. */
export interface FineVidBenchResult {
  readonly folder: string;
  readonly description: BenchmarkDescription;
  /** Clips whose results were there from an earlier attempt. */
  readonly resumedClips: number;
  readonly rejectedByRule: Readonly<Record<string, number>>;
  /** What asking the teacher took; null: nobody was asked. */
  readonly teacher: { readonly tokens: number; readonly cost: number } | null;
}

/**
 * Makes a benchmark in FineVidBench's form out of a person's own clips. Work that was stopped, in whatever way, goes on
 * where it was; the files are the same bytes for every number of workers.
 *
 * @throws {ConfigError} for sources, names or a folder that cannot be used
 */
export const fineVidBenchSet = async (
  request: FineVidBenchRequest,
  context: JobContext,
): Promise<FineVidBenchResult> => {
  const out = resolve(request.out);
  const workers = request.workers ?? availableParallelism();
  const { synonyms } = request;
  // A bad file is told before anything is decoded.
  readVisualSynonyms(synonyms);
  const teacher = await chosenTeacher(request.teacher);
  const settings: FineVidBenchSettings = {
    ...request.settings,
    lists: listHashes(),
    ...(synonyms !== undefined && { synonyms: sha256(readTextFile(synonyms)) }),
    ...(teacher && { teacher: teacher.record }),
  };
  const plan = await planClips(request.sources, request.columns, context.signal);
  if (plan.clips.length === 0)
    throw new ConfigError("no source has a clip that can be used", {
      where: request.sources.map(({ place }) => place).join(", "),
      got: plan.rejected[0]?.reason ?? "no rows",
    });
  const order = { out, settings, reading: request.reading };
  await using tools = await openBenchmarkTools(order, request.teacher, workers, context.warn);
  const recipe = { program: "finevidbench", ...settings };
  const lock = claimWork(out, workRecipe(recipe, plan, benchmarkVersion));
  try {
    removeBegun(out);
    forgetUnanswered(out);
    const resumedClips = finishedClips(out, plan);
    if (teacher !== undefined)
      context
        .progress("teacher", "clips")
        .log(`to ask the teacher: ${costInWords(teacher.estimate(plan.clips.length - resumedClips))}`);
    await makeMissing({ out, plan, workers, title: "finevidbench" }, context, async (planned) => {
      const { made, mayAnswerLater } = await makeBenchmarkClip(planned, tools, context.signal);
      if (mayAnswerLater) noteUnanswered(out, planned.position);
      // The result is what a stopped run goes on from: what it names must be there before it.
      const films = [made.scene, made.speeds].flatMap((one) => Object.values(one ?? {}));
      const files = [...films, ...(made.effect === null ? [] : [made.effect.film])].map(({ file }) => file);
      await syncFiles([...files, ...made.rows.map((row) => row.video)].map((file) => join(out, file)));
      return made;
    });
    const { signal } = context;
    const made = await putBenchmarkTogether({ out, plan, settings, synonyms, signal });
    return {
      folder: out,
      description: made.description,
      resumedClips,
      rejectedByRule: made.rejections.counts(),
      teacher: teacher === undefined ? null : made.teacher,
    };
  } finally {
    lock.release();
  }
};
