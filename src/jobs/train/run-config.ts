import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { RunError } from "../../core/errors.ts";
import { flatSettings, type Settings } from "../../core/settings.ts";
import { createRun, type Run, resumeRun } from "../../runs/run.ts";
import { runFiles } from "../../runs/run-folder.ts";

/** What it means when a hash differs. */
const changes: Readonly<Record<string, string>> = {
  "resolved.contents": "the data sets have changed since the run began",
  "resolved.rows": "rows of the data sets have changed since the run began",
  "resolved.weights": "the model's weights are others than those that the run began with",
};

/** Settings that say where helpers of a run are, and how patiently they are asked: a resumed run may name others. */
const mayMove =
  /(^|\.)rollouts\.params\.(url|apiKeyVariable|concurrency|deadlineSeconds|patienceSeconds|serverFolder)$/;

/** What makes a run the one that it is, by dotted names. */
const identityOf = (settings: Settings): Map<string, unknown> =>
  new Map([...flatSettings(settings)].filter(([name]) => !mayMove.test(name)));

/** The first value in which two configurations differ. */
const difference = (before: unknown, now: Settings): string => {
  const [old, own] = [identityOf(before as Settings), identityOf(now)];
  const path = [...new Set([...old.keys(), ...own.keys()])].find(
    (name) => !isDeepStrictEqual(old.get(name), own.get(name)),
  );
  if (path === undefined) return "no difference";
  return (
    changes[path] ?? `${path}: ${JSON.stringify(old.get(path))} before, ${JSON.stringify(own.get(path))} now`
  );
};

/**
 * Begins a run, or with `resume` goes on with the one of the same configuration.
 *
 * @throws {RunError} for a folder that holds something else, or a run of another configuration
 */
export const openTrainingRun = (folder: string, config: Settings, resume: boolean): Run => {
  if (!resume || !existsSync(join(folder, runFiles.config))) return createRun(folder, config);
  const run = resumeRun(folder);
  const plain = JSON.parse(JSON.stringify(config)) as Settings;
  if (isDeepStrictEqual(identityOf(run.config as Settings), identityOf(plain))) return run;
  run.close();
  throw new RunError("not the run that is there", {
    where: folder,
    got: difference(run.config, plain),
    hint: "resume it with what it began with, or choose another --out",
  });
};
