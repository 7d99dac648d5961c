import { ConfigError, DataFormatError, messageOf, VideoPerceiverError } from "./errors.ts";
import { limitedFetch } from "./limited-fetch.ts";

/** A JSON server that is asked, and how patiently. */
export interface JsonServer {
  /** What it is, for messages, e.g. "scorer". */
  readonly what: string;
  readonly url: string;
  readonly timeoutSeconds: number;
  /** Tries a request; only busy, failed and unreachable servers are asked again. */
  readonly attempts: number;
  /** What a person does about a server that is not there. */
  readonly hint: string;
}

/** Longest answer that is read. */
const mostBytes = 1 << 26;

/**
 * Asks a path of a server: POST with a body, GET without. What it answers is not checked beyond being JSON.
 *
 * @throws {ConfigError} when it refuses, fails for ever, or is not there
 * @throws {DataFormatError} when it answers no JSON
 */
export const askJson = async (
  server: JsonServer,
  path: string,
  body?: string,
  outer?: AbortSignal,
): Promise<unknown> => {
  const { what, timeoutSeconds, attempts, hint } = server;
  const where = `${server.url.replace(/\/+$/, "")}${path}`;
  for (let attempt = 1; ; attempt++) {
    const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
    const signal = outer === undefined ? deadline : AbortSignal.any([deadline, outer]);
    const again = attempt < attempts;
    const post = { method: "POST", headers: { "content-type": "application/json" } };
    try {
      const response = await limitedFetch(mostBytes)(where, {
        signal,
        ...(body === undefined ? {} : { ...post, body }),
      });
      const text = await response.text();
      if (response.ok) {
        try {
          return JSON.parse(text);
        } catch (error) {
          throw new DataFormatError(`${what} answered no JSON`, {
            where,
            got: text.slice(0, 80),
            cause: error,
          });
        }
      }
      if ((response.status === 429 || response.status >= 500) && again) continue;
      throw new ConfigError(`${what} refused`, {
        where,
        got: `HTTP ${response.status} ${text.slice(0, 120)}`,
      });
    } catch (error) {
      if (error instanceof VideoPerceiverError) throw error;
      outer?.throwIfAborted();
      if (again && !deadline.aborted) continue;
      throw new ConfigError(`${what} cannot be reached`, {
        where,
        got: deadline.aborted ? `no answer in ${timeoutSeconds} s` : messageOf(error),
        hint,
        cause: error,
      });
    }
  }
};
