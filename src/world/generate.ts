import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { makeFolder, readJsonFile, writeFileAtomic } from "../core/files.ts";
import { checkOutput } from "../core/output-place.ts";
import { type Progress, silentProgress } from "../core/progress.ts";
import { readDescription } from "../dataset/read.ts";
import { type DatasetDescription, rowInSplit } from "../dataset/schema.ts";
import { DatasetWriter, LineFile } from "../dataset/write.ts";
import type { WorldSeed } from "./balance.ts";
import { worldCard } from "./card.ts";
import type { WorldProfile } from "./profile.ts";
import {
  chunkClips,
  chunkFile,
  type FinishedChunk,
  workFolder,
  worldEncoding,
  worldVersion,
} from "./protocol.ts";
import { makeChunks } from "./worker-group.ts";

/** What {@link generateWorld} makes. */
export interface WorldRequest {
  /** Number of clips. */
  readonly count: number;
  readonly seed: WorldSeed;
  readonly profile: WorldProfile;
  /** The last so many clips are the part "test" and the others "train". Left out: rows name no part. */
  readonly heldOut?: number;
  /** The data set folder: new, empty, or this same world unfinished or finished. */
  readonly out: string;
  /** Worker processes; default: as many as cores. The result does not depend on it. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/** What became of it. */
export interface WorldResult {
  readonly folder: string;
  readonly description: DatasetDescription;
  /** Clips that were there from an earlier attempt. */
  readonly resumedClips: number;
}

const recipeOf = (request: WorldRequest): Record<string, unknown> => ({
  version: worldVersion,
  seed: request.seed,
  count: request.count,
  profile: request.profile,
  ...(request.heldOut === undefined ? {} : { heldOut: request.heldOut }),
  encoding: worldEncoding,
});

/** Compares JSON values by their text; both were written with the same order of fields. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const anotherWorld = (folder: string): ConfigError =>
  new ConfigError("the folder holds another world", {
    where: folder,
    expected: "the same count, seed, profile and generator version to go on with it",
    hint: "choose another folder or remove this one",
  });

/** Makes sure that the folder is new or this world's, and claims it. */
const claimFolder = (folder: string, recipe: Record<string, unknown>): void => {
  checkOutput(folder, "folder");
  const stored = join(folder, workFolder, "recipe.json");
  if (existsSync(stored)) {
    if (!same(readJsonFile(stored), recipe)) throw anotherWorld(folder);
    return;
  }
  const present = existsSync(folder) ? readdirSync(folder).filter((name) => name !== workFolder) : [];
  if (present.length > 0)
    throw new ConfigError("the folder is not empty", {
      where: folder,
      expected: "a new or empty folder, or one with this world in it",
      got: present.slice(0, 3).join(", "),
    });
  makeFolder(join(folder, workFolder));
  makeFolder(join(folder, "clips"));
  writeFileAtomic(stored, `${JSON.stringify(recipe, null, 2)}\n`);
};

/** Puts the chunks together in order and writes the files of the data set. */
const assemble = async (
  folder: string,
  chunks: number,
  params: Record<string, unknown>,
  splitOf: (clip: number) => string | undefined,
): Promise<DatasetDescription> => {
  const writer = new DatasetWriter({ folder, recipe: { name: "world", params } });
  const truth = new LineFile(join(folder, "truth.jsonl"));
  const kept = new Set<string>();
  let clipsSoFar = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const { clips } = JSON.parse(readFileSync(join(folder, chunkFile(chunk)), "utf8")) as FinishedChunk;
    for (const clip of clips) {
      truth.add(clip.truth);
      kept.add(`${clip.sha256}.mp4`);
      const split = splitOf(clipsSoFar++);
      for (const [skill, row] of clip.rows)
        writer.addRow(split === undefined ? row : rowInSplit(row, split), clip.sha256, skill);
    }
  }
  truth.close();
  // Temporary files of killed workers.
  for (const name of readdirSync(join(folder, "clips")))
    if (!kept.has(name)) rmSync(join(folder, "clips", name));
  return await writer.finish(worldCard, [{ file: "truth.jsonl", rows: truth.rows }]);
};

/** The number of worker processes. @throws {ConfigError} for a number of the request that cannot be */
const checkedWorkers = ({ count, heldOut = 0, workers = availableParallelism() }: WorldRequest): number => {
  const check = (what: string, value: number, low: number, high: number): void => {
    if (Number.isSafeInteger(value) && value >= low && value <= high) return;
    const most = high === Number.POSITIVE_INFINITY ? "of at least" : "from";
    const expected = `an integer ${most} ${low}${high === Number.POSITIVE_INFINITY ? "" : ` to ${high}`}`;
    throw new ConfigError(`bad number of ${what}`, { expected, got: String(value) });
  };
  check("clips", count, 1, 10_000_000);
  check("held-out clips", heldOut, 0, count);
  check("workers", workers, 1, Number.POSITIVE_INFINITY);
  return workers;
};

/**
 * Writes a world as a data set folder: clips, samples, `truth.jsonl` with every plan, card and description. Work is
 * done in chunks by worker processes; a killed run goes on where it was when called again with the same request, and
 * the files are the same bytes for every number of workers.
 *
 * @throws {ConfigError} for an impossible request or a folder with something else in it
 * @throws {VideoError} when workers keep dying
 */
export const generateWorld = async (request: WorldRequest): Promise<WorldResult> => {
  const { count, seed, profile } = request;
  const workers = checkedWorkers(request);
  const folder = resolve(request.out);
  const progress = request.progress ?? silentProgress;
  const recipe = recipeOf(request);
  if (existsSync(join(folder, "dataset.json"))) {
    const description = readDescription(folder);
    const { encoder: _, ...made } = description.recipe.params;
    if (!same(made, recipe)) throw anotherWorld(folder);
    progress.update(count, count, "already there");
    return { folder, description, resumedClips: count };
  }
  claimFolder(folder, recipe);
  const chunks = Math.ceil(count / chunkClips);
  const clipsIn = (chunk: number): number => Math.min(count, (chunk + 1) * chunkClips) - chunk * chunkClips;
  const missing: number[] = [];
  let resumedClips = 0;
  for (let chunk = 0; chunk < chunks; chunk++)
    if (existsSync(join(folder, chunkFile(chunk)))) resumedClips += clipsIn(chunk);
    else missing.push(chunk);
  let done = resumedClips;
  progress.update(done, count);
  const encoderFile = join(folder, workFolder, "encoder.json");
  if (missing.length > 0)
    await makeChunks({
      order: { seed, count, profile, out: folder },
      chunks: missing,
      workers: Math.min(workers, missing.length),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      onEncoder: (encoder) => {
        if (!existsSync(encoderFile)) writeFileAtomic(encoderFile, JSON.stringify(encoder));
        else if (!same(readJsonFile(encoderFile), encoder)) throw anotherWorld(folder);
      },
      onClip: () => progress.update(++done, count),
      onLost: (clips) => {
        done -= clips;
        progress.log("a worker died; its clips are made again");
      },
    });
  progress.update(count, count, "writing the index");
  const { heldOut } = request;
  const splitOf = (clip: number): string | undefined =>
    heldOut === undefined ? undefined : clip < count - heldOut ? "train" : "test";
  const params = { ...recipe, encoder: readJsonFile(encoderFile) };
  const description = await assemble(folder, chunks, params, splitOf);
  rmSync(join(folder, workFolder), { recursive: true });
  return { folder, description, resumedClips };
};
