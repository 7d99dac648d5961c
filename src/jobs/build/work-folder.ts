import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, messageOf } from "../../core/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../../core/exclusive-lock.ts";
import { makeFolder, readJsonFile, sha256, writeFileAtomic } from "../../core/files.ts";
import { checkOutput } from "../../core/output-place.ts";
import type { BuildPlan } from "./plan-clips.ts";
import { buildFolder, resultFile, unansweredFolder } from "./protocol.ts";

/**
 * Version of what a clip's result holds. Raised whenever equal clips and settings give other results, so that an
 * unfinished build is never continued by another program.
 */
export const resultVersion = 3;

/** What an unfinished build must agree on with the one that continues it. */
export interface WorkRecipe {
  readonly version: number;
  /** Everything that decides how a clip comes out. */
  readonly settings: object;
  /** SHA-256 of the planned clips and their rows. */
  readonly plan: string;
  readonly clips: number;
}

/** The recipe of a plan. @param version of the results of another kind of work than `build` */
export const workRecipe = (
  settings: object,
  { clips }: BuildPlan,
  version: number = resultVersion,
): WorkRecipe => ({
  version,
  settings,
  plan: sha256(clips.map((clip) => JSON.stringify(clip)).join("\n")),
  clips: clips.length,
});

const differenceOf = (stored: WorkRecipe, wanted: WorkRecipe): string => {
  if (stored.version !== wanted.version) return "another version of this program";
  const [before, now] = [stored.settings, wanted.settings].map(
    (settings) => new Map(Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value)])),
  );
  const other = [...now!.keys()].find((name) => before!.get(name) !== now!.get(name));
  if (other === undefined) return `other sources (${stored.clips} clips, now ${wanted.clips})`;
  return `${other} ${before!.get(other)}, now ${now!.get(other)}`;
};

/**
 * Makes sure that the folder is new, or holds this very build unfinished or finished, and takes it for this process.
 *
 * @throws {ConfigError} when it holds something else, or another process builds there
 */
export const claimWork = (out: string, recipe: WorkRecipe): ExclusiveLock => {
  checkOutput(out, "folder");
  const file = join(out, buildFolder, "recipe.json");
  const present = existsSync(out) ? readdirSync(out).filter((name) => name !== buildFolder) : [];
  if (!existsSync(file) && present.length > 0)
    throw new ConfigError("the folder is not empty", {
      where: out,
      expected: "a new or empty folder, or one with this build in it",
      got: present.slice(0, 3).join(", "),
    });
  if (existsSync(file)) {
    const stored = readJsonFile(file) as WorkRecipe;
    if (JSON.stringify(stored) !== JSON.stringify(recipe))
      throw new ConfigError("the folder holds another build", {
        where: out,
        got: differenceOf(stored, recipe),
        hint: "give the same sources and options to go on with it, or choose another folder",
      });
  }
  makeFolder(join(out, buildFolder));
  makeFolder(join(out, "clips"));
  let lock: ExclusiveLock;
  try {
    lock = takeExclusiveLock(join(out, buildFolder, "lock"));
  } catch (error) {
    throw new ConfigError("another process builds there", {
      where: out,
      got: messageOf(error),
      hint: "wait until it ends, stop it, or choose another folder",
      cause: error,
    });
  }
  if (!existsSync(file)) writeFileAtomic(file, `${JSON.stringify(recipe)}\n`);
  return lock;
};

/**
 * Takes away files that a process which was killed had begun to write, when nobody writes any more. A worker of another machine
 * that is late with a clip loses the second result of a clip that has one.
 */
export const removeBegun = (out: string): void => {
  const work = join(out, buildFolder);
  const results = join(work, "results");
  const parts = existsSync(results) ? readdirSync(results).map((name) => join(results, name)) : [];
  for (const folder of [out, work, ...parts])
    for (const name of readdirSync(folder))
      if (/\.\d+(\.\d+)?\.tmp$/.test(name)) rmSync(join(folder, name), { force: true });
};

/** How many clips have a result already. */
export const finishedClips = (out: string, { clips }: BuildPlan): number =>
  clips.filter(({ position }) => existsSync(join(out, resultFile(position)))).length;

/** Notes that an endpoint could not answer about a clip just then. */
export const noteUnanswered = (out: string, position: number): void => {
  makeFolder(unansweredFolder(out));
  writeFileAtomic(join(unansweredFolder(out), String(position)), "");
};

/** Takes away the results of clips about which an endpoint could not answer, so that it is asked again. @returns how many */
export const forgetUnanswered = (out: string): number => {
  const folder = unansweredFolder(out);
  const noted = existsSync(folder) ? readdirSync(folder) : [];
  for (const position of noted) {
    rmSync(join(out, resultFile(Number(position))), { force: true });
    rmSync(join(folder, position));
  }
  return noted.length;
};
