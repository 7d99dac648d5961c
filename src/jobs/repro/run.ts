import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { messageOf, RunError, UnknownNameError } from "../../core/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../../core/exclusive-lock.ts";
import { makeFolder, readJsonFile, writeFileAtomic } from "../../core/files.ts";
import { nearestName } from "../../core/nearest.ts";
import type { Progress } from "../../core/progress.ts";
import type { ReproArm, ReproStudy } from "../../recipes/repro/study.ts";
import type { HeldOutClip } from "../../training/clip.ts";
import type { JobContext } from "../job-context.ts";
import { heldOutClips } from "../quickstart/training-clips.ts";
import { aboutTime } from "../timetable.ts";
import { trainArm } from "./arms.ts";
import { endpointsOf } from "./endpoints.ts";
import { measureArm } from "./measure.ts";
import { readMeasures, writeMeasures } from "./measures.ts";
import { studyMarkdown, studyPage } from "./page.ts";
import { reproTimetable, testOf } from "./plan.ts";
import { type ReproResults, seedFolder, studyCurves, studyResults } from "./results.ts";
import { prepareSeed } from "./seed-world.ts";

/** What a person asks for besides the study. */
export interface ReproRequest {
  readonly out: string;
  readonly seeds: number;
  /** Stop after so long and write down what there is; undefined: no limit. */
  readonly hours: number | undefined;
  /** Names of the arms to run, with those that they begin from; undefined: all. The others may follow later. */
  readonly arms: readonly string[] | undefined;
}

/** Where a study came to. */
export interface ReproOutcome {
  readonly results: ReproResults;
  readonly files: { readonly json: string; readonly page: string; readonly markdown: string };
  /**
   * "hours": the time was up first; the same call goes on. "elsewhere": the seeds that are left belong to other processes in
   * this folder, the last of which writes the results of all.
   */
  readonly ended: "done" | "hours" | "elsewhere";
}

/** Everything that decides a study but for how many seeds it has; written before anything runs. */
const writeDescription = (out: string, study: ReproStudy): void => {
  const fixed = endpointsOf(study).map(({ key, title, what }) => ({ key, title, what }));
  const description = { schema: "videoperceiver/repro@1", study, endpoints: fixed };
  const file = join(out, "config.json");
  const text = `${JSON.stringify(description, null, 2)}\n`;
  if (!existsSync(file)) writeFileAtomic(file, text);
  else if (!isDeepStrictEqual(readJsonFile(file), JSON.parse(text)))
    throw new RunError("another study is there", {
      where: out,
      expected: `${study.name} with the same --clips, --steps and --threads`,
      hint: "choose another --out",
    });
};

/** The right to work on a seed; undefined: another process has it. */
const seedLock = (folder: string): ExclusiveLock | undefined => {
  makeFolder(folder);
  try {
    return takeExclusiveLock(join(folder, "lock"));
  } catch (error) {
    if (/locked/.test(messageOf(error))) return undefined;
    throw error;
  }
};

/** Arms of a seed that are not measured yet. */
const missingArms = (folder: string, arms: readonly ReproArm[]): ReproArm[] =>
  arms.filter(({ name }) => readMeasures(folder, name) === null);

/** Trains and measures arms of one seed. */
const runArms = async (
  folder: string,
  study: ReproStudy,
  seed: number,
  missing: readonly ReproArm[],
  job: JobContext,
): Promise<void> => {
  if (missing.length === 0) return;
  const { context, data, tested, questions, fragments } = await prepareSeed(folder, study, seed, job);
  const shown = new Map<number, readonly HeldOutClip[]>();
  for (const arm of missing) {
    job.signal.throwIfAborted();
    const every = Math.round(
      context.recipe.framesPerSecond / (arm.askedAt ?? context.recipe.framesPerSecond),
    );
    const heldOut = shown.get(every) ?? (await heldOutClips(tested, context, every));
    shown.set(every, heldOut);
    const trained = await trainArm(study, arm, arm.name, data, context);
    const asked = { heldOut, questions, fragments };
    writeMeasures(folder, await measureArm(arm, trained, asked, testOf(arm.name), context));
  }
};

/**
 * Trains and measures the arms of one seed that are not measured yet.
 *
 * @returns false when another process does
 */
const runSeed = async (
  out: string,
  study: ReproStudy,
  seed: number,
  arms: readonly ReproArm[],
  job: JobContext,
): Promise<boolean> => {
  const folder = seedFolder(out, seed);
  if (missingArms(folder, arms).length === 0) return true;
  const lock = seedLock(folder);
  if (lock === undefined) return false;
  try {
    await runArms(folder, study, seed, missingArms(folder, arms), job);
  } finally {
    lock.release();
  }
  return true;
};

/** The arms asked for and those that they begin from, in the study's order. @throws {UnknownNameError} */
const chosenArms = ({ arms }: ReproStudy, names: readonly string[] | undefined): readonly ReproArm[] => {
  if (names === undefined) return arms;
  const wanted = new Set<string>();
  const add = (name: string): void => {
    const arm = arms.find((one) => one.name === name);
    const known = arms.map((one) => one.name);
    if (arm === undefined) throw new UnknownNameError("arm", name, known, nearestName(name, known));
    wanted.add(name);
    if (arm.from !== null) add(arm.from);
  };
  for (const name of names) add(name);
  return arms.filter(({ name }) => wanted.has(name));
};

const writeResults = (
  out: string,
  study: ReproStudy,
  seeds: readonly number[],
): Omit<ReproOutcome, "ended"> => {
  const results = studyResults(out, study, seeds);
  const files = {
    json: join(out, "results.json"),
    page: join(out, "report.html"),
    markdown: join(out, "results.md"),
  };
  writeFileAtomic(files.json, `${JSON.stringify(results, null, 2)}\n`);
  writeFileAtomic(files.page, studyPage(results, studyCurves(out, study, seeds)));
  writeFileAtomic(files.markdown, studyMarkdown(results));
  return { results, files };
};

/**
 * Runs a study, or goes on with it: seed by seed, arm by arm, each measured as soon as it is trained. May be killed at any
 * moment; the same call goes on at the last checkpoint. More seeds may be asked for later. Several processes share the
 * seeds of one folder: each takes the next one that nobody works on.
 *
 * @throws {RunError} when another study is in the folder
 * @throws an `AbortError` at Ctrl-C; what was measured until then is written down
 */
export const runRepro = async (
  study: ReproStudy,
  { out, seeds: count, hours, arms: names }: ReproRequest,
  job: JobContext,
): Promise<ReproOutcome> => {
  const arms = chosenArms(study, names);
  makeFolder(out);
  writeDescription(out, study);
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const timetable = reproTimetable({ ...study, arms }, seeds);
  job
    .progress(study.name, "arms")
    .log(
      `${arms.length} arms with ${count} ${count === 1 ? "seed" : "seeds"}, about ${aboutTime(timetable.expectedSeconds)} on two quiet cores; all goes to ${out}; Ctrl-C stops cleanly, the same call goes on`,
    );
  const time = hours === undefined ? undefined : AbortSignal.timeout(Math.round(hours * 3_600_000));
  const signal = time === undefined ? job.signal : AbortSignal.any([job.signal, time]);
  let ended: ReproOutcome["ended"] = "done";
  const elsewhere: number[] = [];
  try {
    for (const seed of seeds) {
      const progress = (label: string, unit: string): Progress => {
        const own = `seed ${seed}: ${label.replace(/^\d\/6 /, "")}`;
        return timetable.watch(own, job.progress(own, unit));
      };
      const isOurs = await runSeed(out, study, seed, arms, { ...job, signal, progress });
      if (!isOurs) elsewhere.push(seed);
      writeResults(out, study, seeds);
    }
  } catch (error) {
    const isTime = time?.aborted === true && !job.signal.aborted;
    if (!isTime) throw error;
    ended = "hours";
  }
  const isLeft = elsewhere.some((seed) => missingArms(seedFolder(out, seed), arms).length > 0);
  if (ended === "done" && isLeft) ended = "elsewhere";
  return { ...writeResults(out, study, seeds), ended };
};
