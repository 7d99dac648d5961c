/** A model repository on the hub as the network gives it; where its files lie on this machine is `hub.ts`'s matter. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { downloadFile, HubApiError, listFiles, modelInfo } from "@huggingface/hub";
import {
  ConfigError,
  DataFormatError,
  messageOf,
  UnsupportedError,
  VideoPerceiverError,
} from "../core/errors.ts";
import type { Progress } from "../core/progress.ts";
import { watchedResponse } from "../core/watched-response.ts";

/** How a repository is asked. */
export interface HubConnection {
  /** The hub; undefined: the public one. */
  readonly endpoint: string | undefined;
  /** The person's token; never printed. */
  readonly accessToken: string | undefined;
  /** Seconds before each further try. */
  readonly retrySeconds: readonly number[];
  /** Longest silence of the server, before its answer or inside it, that counts as a fault. */
  readonly quietSeconds: number;
  readonly progress: Progress;
  /** Ends downloads and waiting, with the signal's reason. */
  readonly signal: AbortSignal | undefined;
}

export interface RemoteFile {
  /** Plain name: files below folders are not fetched. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the content (large files), or SHA-1 of the git blob, in lower-case hexadecimal. */
  readonly hash: string;
  readonly isLarge: boolean;
}

/** The hub did not answer, also after further tries: another time it may. */
export class HubUnreachable extends Error {
  override readonly name = "HubUnreachable";
}

/** Files that a model is read from. */
const wanted = /\.(safetensors|json|txt|jinja|model)$/;

/** Longest time that a server's `retry-after` is followed. */
const longestWaitSeconds = 60;

/**
 * Checks a name from the person or from the hub before it becomes part of a path.
 * @throws {ConfigError} when it has other characters or could leave its folder
 */
export const checkHubName = (what: string, name: string, pattern: RegExp): void => {
  if (!pattern.test(name) || name.split("/").some((part) => part === "" || part === "." || part === ".."))
    throw new ConfigError(what, { got: JSON.stringify(name), expected: "a name as the hub has it" });
};

/**
 * A request whose answer must begin, and go on, without a silence longer than `quietSeconds`.
 * @throws {Error} that says so when it is silent for longer; so does reading its body
 */
const fetchWithoutSilence = async (
  { quietSeconds, signal }: HubConnection,
  ...[input, init]: Parameters<typeof fetch>
): Promise<Response> => {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came for ${quietSeconds} s`)),
    quietSeconds * 1000,
  );
  const signals = signal === undefined ? [silence.signal] : [silence.signal, signal];
  let response: Response;
  try {
    response = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
  } catch (error) {
    clearTimeout(timer);
    throw error;
  }
  // An answer that nobody reads need not keep the process.
  timer.unref();
  return watchedResponse(
    response,
    () => timer.refresh(),
    () => clearTimeout(timer),
  );
};

/** A request that is tried again after network faults and answers that mean "later"; never answers with less. */
const patientFetch =
  (connection: HubConnection): typeof fetch =>
  async (input, init) => {
    const { retrySeconds, signal } = connection;
    const wait = (seconds: number): Promise<void> =>
      sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal });
    for (let attempt = 0; ; attempt++) {
      const delay = retrySeconds[attempt];
      let response: Response;
      try {
        response = await fetchWithoutSilence(connection, input, init);
      } catch (error) {
        signal?.throwIfAborted();
        if (delay === undefined) throw new HubUnreachable(messageOf(error), { cause: error });
        connection.progress.log(`the hub: ${messageOf(error)}; trying again`);
        await wait(delay);
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
      if (delay === undefined) throw new HubUnreachable(`status ${response.status}`);
      const asked = Number(response.headers.get("retry-after"));
      await wait(asked > 0 ? Math.min(asked, longestWaitSeconds) : delay);
    }
  };

const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

const hashOf = async (file: string, remote: RemoteFile): Promise<string> => {
  const hash = createHash(remote.isLarge ? "sha256" : "sha1");
  if (!remote.isLarge) hash.update(`blob ${remote.size}\0`);
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest("hex");
};

/** What the parameters of every call of `@huggingface/hub` have in common. */
interface CommonParameters {
  readonly fetch: typeof fetch;
  readonly hubUrl?: string;
  readonly accessToken?: string;
}

/** A model or adapter on the hub. Every question is asked again after faults that may pass. */
export class HubRepository {
  /** "owner/name" */
  readonly name: string;
  readonly #connection: HubConnection;
  readonly #common: CommonParameters;

  constructor(name: string, connection: HubConnection) {
    const { endpoint, accessToken } = connection;
    this.name = name;
    this.#connection = connection;
    this.#common = {
      fetch: patientFetch(connection),
      ...(endpoint === undefined ? {} : { hubUrl: endpoint }),
      ...(accessToken === undefined ? {} : { accessToken }),
    };
  }

  /** The commit (40 hexadecimal digits) that a branch, tag or commit means. */
  async commitOf(revision: string): Promise<string> {
    const { sha } = await modelInfo({
      name: this.name,
      revision,
      additionalFields: ["sha"],
      ...this.#common,
    });
    checkHubName("commit of a model", sha, /^[0-9a-f]{40}$/);
    return sha;
  }

  /**
   * The files of a commit that a model is read from.
   * @throws {DataFormatError} when the list is odd, or of something that is no model
   */
  async files(commit: string): Promise<RemoteFile[]> {
    const repo = { type: "model", name: this.name } as const;
    const files: RemoteFile[] = [];
    for await (const entry of listFiles({ repo, revision: commit, ...this.#common })) {
      const { path, size } = entry;
      if (entry.type !== "file" || !wanted.test(path)) continue;
      const hash = entry.lfs?.oid ?? entry.oid ?? "";
      const isPlain = /^[\w-][\w.-]*$/.test(path) && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash);
      if (!isPlain || !Number.isSafeInteger(size))
        throw new DataFormatError("file list of the hub", {
          where: this.name,
          expected: "plain names with hashes",
          got: JSON.stringify({ path, hash, size }),
        });
      files.push({ path, size, hash, isLarge: entry.lfs !== undefined });
    }
    if (!files.some(({ path }) => path === "config.json" || path === "adapter_config.json"))
      throw new DataFormatError("not a model", {
        where: this.name,
        expected: "config.json or adapter_config.json",
      });
    return files;
  }

  /**
   * Downloads a file to `target`, going on where an earlier try (also of another run) stopped; it appears whole, with
   * the right hash, or not at all.
   *
   * @throws {DataFormatError} when the hub sends something else than it listed
   */
  async download(remote: RemoteFile, commit: string, target: string): Promise<void> {
    const incomplete = `${target}.incomplete`;
    if (sizeOf(incomplete) > remote.size) rmSync(incomplete);
    await this.#complete(remote, commit, incomplete);
    const hash = await hashOf(incomplete, remote);
    if (hash !== remote.hash) {
      rmSync(incomplete);
      throw new DataFormatError("downloaded file is damaged", {
        where: `${this.name}/${remote.path}`,
        expected: remote.hash,
        got: hash,
        hint: "it was deleted; try again",
      });
    }
    renameSync(incomplete, target);
  }

  /** Appends to a file until it has its full size. Progress starts the count of tries again. */
  async #complete(remote: RemoteFile, commit: string, incomplete: string): Promise<void> {
    const { progress, retrySeconds, signal } = this.#connection;
    for (let failures = 0; ; ) {
      const done = sizeOf(incomplete);
      if (done === remote.size && existsSync(incomplete)) return;
      progress.update(done, remote.size, remote.path);
      try {
        await this.#append(remote, commit, incomplete, done);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof VideoPerceiverError) throw error;
        failures = sizeOf(incomplete) > done ? 1 : failures + 1;
        const delay = retrySeconds[failures - 1];
        if (delay === undefined || error instanceof HubUnreachable) throw error;
        progress.log(`${remote.path}: ${messageOf(error)}; going on at byte ${sizeOf(incomplete)}`);
        await sleep(delay * 1000, undefined, signal === undefined ? {} : { signal });
      }
    }
  }

  /** Appends the bytes from `done` on. */
  async #append(remote: RemoteFile, commit: string, file: string, done: number): Promise<void> {
    const content = await downloadFile({
      repo: { type: "model", name: this.name },
      path: remote.path,
      revision: commit,
      xet: false,
      ...this.#common,
    });
    if (content === null || content.size !== remote.size)
      throw new DataFormatError("file changed on the hub", {
        where: `${this.name}/${remote.path}`,
        expected: `${remote.size} bytes`,
        got: `${content?.size ?? "nothing"}`,
      });
    const rest =
      remote.size === 0
        ? Readable.from([])
        : Readable.fromWeb(content.slice(done, remote.size).stream() as ReadableStream);
    const { signal } = this.#connection;
    await pipeline(rest, createWriteStream(file, { flags: "a" }), signal === undefined ? {} : { signal });
  }
}

/** What the person can do about an answer of the hub; undefined when nothing is known. */
export const hubHint = (error: unknown, hasToken: boolean): string | undefined => {
  if (error instanceof HubUnreachable)
    return "check the network and HF_ENDPOINT, and try again: what is there stays";
  if (!(error instanceof HubApiError)) return undefined;
  if (error.statusCode === 404) return "check the name and the revision";
  if (error.statusCode !== 401 && error.statusCode !== 403) return undefined;
  return hasToken
    ? "the name is wrong, or this token may not read it: accept the model's terms on its page"
    : "the name is wrong, or the model is not public: set HF_TOKEN to a token that may read it";
};
