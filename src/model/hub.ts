import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import {
  downloadFile,
  getHFHubCachePath,
  getRepoFolderName,
  HubApiError,
  listFiles,
  modelInfo,
} from "@huggingface/hub";
import {
  ConfigError,
  DataFormatError,
  messageOf,
  UnsupportedError,
  VideoPerceiverError,
} from "../core/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../core/exclusive-lock.ts";
import { writeFileAtomic } from "../core/files.ts";
import { type Progress, silentProgress } from "../core/progress.ts";
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
  readonly progress?: Progress;
}

/** Raised for an answer that a later try may not give again. */
class Transient extends Error {}

const wanted = /\.(safetensors|json|txt|jinja|model)$/;

/** A request that is tried again after network faults and answers that mean "later"; never answers with less. */
const patientFetch =
  (delays: readonly number[]): typeof fetch =>
  async (input, init) => {
    for (let attempt = 0; ; attempt++) {
      const delay = delays[attempt];
      let response: Response;
      try {
        response = await fetch(input, init);
      } catch (error) {
        if (delay === undefined) throw new Transient(messageOf(error), { cause: error });
        await sleep(delay * 1000);
        continue;
      }
      const isLater = response.status === 429 || response.status === 408 || response.status >= 500;
      if (!isLater) {
        const range = new Headers(init?.headers).get("range");
        if (range !== null && !/^bytes=0-/.test(range) && response.status === 200)
          throw new UnsupportedError("server that cannot resume", { where: String(response.url) });
        return response;
      }
      await response.body?.cancel();
      if (delay === undefined) throw new Transient(`status ${response.status}`);
      const asked = Number(response.headers.get("retry-after"));
      await sleep(1000 * (asked > 0 ? Math.min(asked, 60) : delay));
    }
  };

/** One file of a repository. `hash` is of the content (LFS) or of the git blob. */
interface RemoteFile {
  readonly path: string;
  readonly size: number;
  readonly hash: string;
  readonly isLfs: boolean;
}

const hashOf = async (file: string, remote: RemoteFile): Promise<string> => {
  const hash = createHash(remote.isLfs ? "sha256" : "sha1");
  if (!remote.isLfs) hash.update(`blob ${remote.size}\0`);
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest("hex");
};

interface Place {
  readonly repository: string;
  readonly commit: string;
  readonly endpoint: string | undefined;
  readonly accessToken: string | undefined;
}

const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

/** Brings a blob to its full size, going on where an earlier try (also of another run) stopped. */
const fetchBlob = async (
  place: Place,
  remote: RemoteFile,
  blob: string,
  delays: readonly number[],
  progress: Progress,
): Promise<void> => {
  const incomplete = `${blob}.incomplete`;
  const request = {
    repo: { type: "model" as const, name: place.repository },
    path: remote.path,
    revision: place.commit,
    fetch: patientFetch(delays),
    xet: false,
    ...(place.endpoint === undefined ? {} : { hubUrl: place.endpoint }),
    ...(place.accessToken === undefined ? {} : { accessToken: place.accessToken }),
  };
  if (sizeOf(incomplete) > remote.size) rmSync(incomplete);
  for (let failures = 0; ; ) {
    const done = sizeOf(incomplete);
    if (done === remote.size && existsSync(incomplete)) break;
    progress.update(done, remote.size, remote.path);
    try {
      const content = await downloadFile(request);
      if (content === null || content.size !== remote.size)
        throw new DataFormatError("file changed on the hub", {
          where: `${place.repository}/${remote.path}`,
          expected: `${remote.size} bytes`,
          got: `${content?.size ?? "nothing"}`,
        });
      const rest =
        remote.size === 0
          ? Readable.from([])
          : Readable.fromWeb(content.slice(done, remote.size).stream() as ReadableStream);
      await pipeline(rest, createWriteStream(incomplete, { flags: "a" }));
    } catch (error) {
      if (error instanceof VideoPerceiverError) throw error;
      failures = sizeOf(incomplete) > done ? 1 : failures + 1;
      const delay = delays[failures - 1];
      if (delay === undefined || error instanceof Transient) throw error;
      progress.log(`${remote.path}: ${messageOf(error)}; going on at byte ${sizeOf(incomplete)}`);
      await sleep(delay * 1000);
    }
  }
  const hash = await hashOf(incomplete, remote);
  if (hash !== remote.hash) {
    rmSync(incomplete);
    throw new DataFormatError("downloaded file is damaged", {
      where: `${place.repository}/${remote.path}`,
      expected: remote.hash,
      got: hash,
      hint: "it was deleted; try again",
    });
  }
  renameSync(incomplete, blob);
};

const listRemote = async (place: Place, delays: readonly number[]): Promise<RemoteFile[]> => {
  const files: RemoteFile[] = [];
  for await (const entry of listFiles({
    repo: { type: "model", name: place.repository },
    revision: place.commit,
    fetch: patientFetch(delays),
    ...(place.endpoint === undefined ? {} : { hubUrl: place.endpoint }),
    ...(place.accessToken === undefined ? {} : { accessToken: place.accessToken }),
  })) {
    const { path, size } = entry;
    if (entry.type !== "file" || !wanted.test(path)) continue;
    const hash = entry.lfs?.oid ?? entry.oid ?? "";
    if (
      !/^[\w-][\w.-]*$/.test(path) ||
      !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash) ||
      !Number.isSafeInteger(size)
    )
      throw new DataFormatError("file list of the hub", {
        where: place.repository,
        expected: "plain names with hashes",
        got: JSON.stringify({ path, hash, size }),
      });
    files.push({ path, size, hash, isLfs: entry.lfs !== undefined });
  }
  if (!files.some(({ path }) => path === "config.json" || path === "adapter_config.json"))
    throw new DataFormatError("not a model", {
      where: place.repository,
      expected: "config.json or adapter_config.json",
    });
  return files;
};

/** The snapshot that a revision names in the cache; refs are written when a snapshot is complete. */
const cachedSnapshot = (folder: string, revision: string): string | undefined => {
  const ref = join(folder, "refs", revision);
  const commit = existsSync(ref) ? readFileSync(ref, "utf8").trim() : revision;
  const snapshot = join(folder, "snapshots", commit);
  return existsSync(snapshot) && statSync(snapshot).isDirectory() ? snapshot : undefined;
};

const checkName = (what: string, name: string, pattern: RegExp): void => {
  if (!pattern.test(name) || name.split("/").some((part) => part === "" || part === "." || part === ".."))
    throw new ConfigError(what, { got: JSON.stringify(name), expected: "a name as the hub has it" });
};

/** The lock of a repository's folder in the cache; waits while another process fetches the same model. */
const lockOf = async (folder: string, progress: Progress): Promise<ExclusiveLock> => {
  mkdirSync(folder, { recursive: true });
  for (let tries = 0; ; tries++)
    try {
      return takeExclusiveLock(join(folder, ".videoperceiver.lock"));
    } catch (error) {
      if (!/locked/.test(messageOf(error))) throw error;
      if (tries === 0) progress.log("another process fetches this model; waiting for it");
      await sleep(200);
    }
};

/** What the person can do about an answer of the hub. */
const hintFor = (error: unknown, hasToken: boolean): string | undefined => {
  if (error instanceof Transient)
    return "check the network and HF_ENDPOINT, and try again: what is there stays";
  if (!(error instanceof HubApiError)) return undefined;
  if (error.statusCode === 404) return "check the name and the revision";
  if (error.statusCode !== 401 && error.statusCode !== 403) return undefined;
  return hasToken
    ? "the name is wrong, or this token may not read it: accept the model's terms on its page"
    : "the name is wrong, or the model is not public: set HF_TOKEN to a token that may read it";
};

/** Brings every wanted file of a commit into the cache. */
const fetchSnapshot = async (
  place: Place,
  folder: string,
  snapshot: string,
  delays: readonly number[],
  progress: Progress,
): Promise<void> => {
  mkdirSync(join(folder, "blobs"), { recursive: true });
  mkdirSync(snapshot, { recursive: true });
  for (const remote of await listRemote(place, delays)) {
    const blob = join(folder, "blobs", remote.hash);
    if (!existsSync(blob)) await fetchBlob(place, remote, blob, delays, progress);
    const link = join(snapshot, remote.path);
    rmSync(link, { force: true });
    symlinkSync(relative(snapshot, blob), link);
  }
};

/**
 * Fetches a model or adapter by name into the cache that the Python client uses too, and gives back the folder.
 * Interrupted downloads go on where they stopped; every file is checked against its hash; of several processes that
 * want the same model one fetches it and the others wait.
 *
 * @param repository "owner/name"
 * @throws {UnsupportedError} offline, when the revision is not in the cache
 * @throws {DataFormatError} when the hub cannot be reached, refuses, or sends something else than it lists
 */
export const fetchModel = async (repository: string, options: HubOptions = {}): Promise<string> => {
  const revision = options.revision ?? "main";
  checkName("name of a model", repository, /^[\w.-]+(\/[\w.-]+)?$/);
  checkName("revision of a model", revision, /^[\w./-]+$/);
  const folder = join(
    options.cache ?? getHFHubCachePath(),
    getRepoFolderName({ type: "model", name: repository }),
  );
  const cached = cachedSnapshot(folder, revision);
  if (options.offline ?? process.env["HF_HUB_OFFLINE"] === "1") {
    if (cached !== undefined) return cached;
    throw new UnsupportedError("model not in the cache, and offline", {
      where: `${repository}@${revision}`,
      got: folder,
      hint: "fetch it once online",
    });
  }
  const delays = options.retrySeconds ?? [0.5, 1, 2, 4];
  const progress = options.progress ?? silentProgress;
  const endpoint = (options.endpoint ?? process.env["HF_ENDPOINT"])?.replace(/\/+$/, "");
  const accessToken = options.accessToken ?? hubToken();
  const lock = await lockOf(folder, progress);
  try {
    const info = await modelInfo({
      name: repository,
      revision,
      additionalFields: ["sha"],
      fetch: patientFetch(delays),
      ...(endpoint === undefined ? {} : { hubUrl: endpoint }),
      ...(accessToken === undefined ? {} : { accessToken }),
    });
    checkName("commit of a model", info.sha, /^[0-9a-f]{40}$/);
    const snapshot = join(folder, "snapshots", info.sha);
    await fetchSnapshot(
      { repository, commit: info.sha, endpoint, accessToken },
      folder,
      snapshot,
      delays,
      progress,
    );
    const ref = join(folder, "refs", revision);
    if (revision !== info.sha) {
      mkdirSync(dirname(ref), { recursive: true });
      writeFileAtomic(ref, info.sha);
    }
    return snapshot;
  } catch (error) {
    if (error instanceof Transient && cached !== undefined) {
      progress.log(`${repository}: the hub does not answer (${error.message}); using the cached ${cached}`);
      return cached;
    }
    if (error instanceof VideoPerceiverError) throw error;
    const hint = hintFor(error, accessToken !== undefined);
    throw new DataFormatError("cannot fetch the model", {
      where: `${repository}@${revision}`,
      got: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
      cause: error,
    });
  } finally {
    lock.release();
  }
};
