import { existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { getHFHubCachePath, getRepoFolderName } from "@huggingface/hub";
import {
  ConfigError,
  DataFormatError,
  messageOf,
  UnsupportedError,
  VideoPerceiverError,
} from "../core/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../core/exclusive-lock.ts";
import { makeFolder, writeFileAtomic } from "../core/files.ts";
import { type Progress, silentProgress } from "../core/progress.ts";
import { checkHubName, HubRepository, HubUnreachable, hubHint } from "./hub-repository.ts";
import { hubToken } from "./hub-token.ts";

/** How a model is fetched. Names and defaults follow the Python client. */
export interface HubOptions {
  /** Branch, tag or commit; default "main". */
  readonly revision?: string;
  /** Default `HF_ENDPOINT`, or the public hub. */
  readonly endpoint?: string;
  /** Default `HF_HUB_CACHE`, or `hub` in `HF_HOME`. */
  readonly cache?: string;
  /** Never touch the network; default `HF_HUB_OFFLINE` being 1. */
  readonly offline?: boolean;
  /** Default that of {@link hubToken}; never printed. */
  readonly accessToken?: string;
  /** Seconds before each further try; default 0.5, 1, 2, 4. Progress starts the count again. */
  readonly retrySeconds?: readonly number[];
  /** Longest silence of the hub that is waited for; default `HF_HUB_DOWNLOAD_TIMEOUT`, or 10. */
  readonly quietSeconds?: number;
  readonly progress?: Progress;
  /** Ends downloads and waiting, with the signal's reason; what is there stays. */
  readonly signal?: AbortSignal;
}

/** Seconds between two looks at a lock that another process holds. */
const lockPollSeconds = 0.2;

/** The snapshot that a revision names in the cache; refs are written when a snapshot is complete. */
const cachedSnapshot = (folder: string, revision: string): string | undefined => {
  const ref = join(folder, "refs", revision);
  const commit = existsSync(ref) ? readFileSync(ref, "utf8").trim() : revision;
  const snapshot = join(folder, "snapshots", commit);
  return existsSync(snapshot) && statSync(snapshot).isDirectory() ? snapshot : undefined;
};

/**
 * The lock of a repository's folder in the cache; waits while another process fetches the same model.
 * @throws {ConfigError} when the cache cannot be written
 */
const lockOf = async (
  folder: string,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<ExclusiveLock> => {
  for (let tries = 0; ; tries++)
    try {
      makeFolder(folder);
      return takeExclusiveLock(join(folder, ".videoperceiver.lock"));
    } catch (error) {
      if (!/locked/.test(messageOf(error)))
        throw new ConfigError("the cache of models cannot be written", {
          where: folder,
          got: messageOf(error),
          hint: "HF_HOME names another place; HF_HUB_OFFLINE=1 takes what is there",
          cause: error,
        });
      if (tries === 0) progress.log("another process fetches this model; waiting for it");
      await sleep(lockPollSeconds * 1000, undefined, signal === undefined ? {} : { signal });
    }
};

/** Makes a symbolic link, or replaces one in one step: another process may be reading the model. */
const linkTo = (target: string, link: string): void => {
  const temporary = `${link}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, link);
};

/** Brings every wanted file of a commit into the cache. @returns the folder of the snapshot */
const fetchSnapshot = async (repository: HubRepository, commit: string, folder: string): Promise<string> => {
  const snapshot = join(folder, "snapshots", commit);
  makeFolder(join(folder, "blobs"));
  makeFolder(snapshot);
  for (const remote of await repository.files(commit)) {
    const blob = join(folder, "blobs", remote.hash);
    if (!existsSync(blob)) await repository.download(remote, commit, blob);
    linkTo(relative(snapshot, blob), join(snapshot, remote.path));
  }
  return snapshot;
};

/** Remembers that a branch or tag means a commit whose snapshot is complete. */
const writeReference = (folder: string, revision: string, commit: string): void => {
  if (revision === commit) return;
  const reference = join(folder, "refs", revision);
  makeFolder(dirname(reference));
  writeFileAtomic(reference, commit);
};

/**
 * Fetches a model or adapter by name into the cache that the Python client uses too, and gives back the folder.
 * Interrupted downloads go on where they stopped; every file is checked against its hash; of several processes that
 * want the same model one fetches it and the others wait.
 *
 * @param name "owner/name"
 * @throws {ConfigError} for a name or revision that is none, or a cache that cannot be written
 * @throws {UnsupportedError} offline, when the revision is not in the cache
 * @throws {DataFormatError} when the hub cannot be reached, refuses, or sends something else than it lists
 */
export const fetchModel = async (name: string, options: HubOptions = {}): Promise<string> => {
  const { revision = "main", progress = silentProgress, signal } = options;
  checkHubName("name of a model", name, /^[\w.-]+(\/[\w.-]+)?$/);
  checkHubName("revision of a model", revision, /^[\w./-]+$/);
  const folder = join(options.cache ?? getHFHubCachePath(), getRepoFolderName({ type: "model", name }));
  const cached = cachedSnapshot(folder, revision);
  if (options.offline ?? process.env["HF_HUB_OFFLINE"] === "1") {
    if (cached !== undefined) return cached;
    throw new UnsupportedError("model not in the cache, and offline", {
      where: `${name}@${revision}`,
      got: folder,
      hint: "fetch it once online",
    });
  }
  const accessToken = options.accessToken ?? hubToken();
  const repository = new HubRepository(name, {
    endpoint: (options.endpoint ?? process.env["HF_ENDPOINT"])?.replace(/\/+$/, ""),
    accessToken,
    retrySeconds: options.retrySeconds ?? [0.5, 1, 2, 4],
    quietSeconds: options.quietSeconds ?? (Number(process.env["HF_HUB_DOWNLOAD_TIMEOUT"]) || 10),
    progress,
    signal,
  });
  const lock = await lockOf(folder, progress, signal);
  try {
    const commit = await repository.commitOf(revision);
    const snapshot = await fetchSnapshot(repository, commit, folder);
    writeReference(folder, revision, commit);
    return snapshot;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HubUnreachable && cached !== undefined) {
      progress.log(`${name}: the hub does not answer (${error.message}); using the cached ${cached}`);
      return cached;
    }
    if (error instanceof VideoPerceiverError) throw error;
    const hint = hubHint(error, accessToken !== undefined);
    throw new DataFormatError("cannot fetch the model", {
      where: `${name}@${revision}`,
      got: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    });
  } finally {
    lock.release();
  }
};
