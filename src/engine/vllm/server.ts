/** Asks a vLLM server: one line when it refuses, patience while it restarts, none beyond the time that was given. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { EngineError, messageOf } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";

/** How a server is asked. */
export interface ServerRules {
  /** E.g. `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** Longest time of one request. */
  readonly deadlineSeconds: number;
  /** How long a server that is busy, failing or gone is asked again. */
  readonly patienceSeconds: number;
}

/** What a server answered: what was asked for, or that it does not know it. */
export type ServerAnswer = { readonly body: unknown } | { readonly unknown: string };

/** Longest answer that is read. */
const mostBytes = 1 << 28;
/** First wait after a failure, and the longest one. */
const [firstPause, longestPause] = [250, 8000];

/** The server's own words, shortened to a line. */
const reasonIn = (text: string): string => {
  try {
    const { error, message, detail } = JSON.parse(text) as Record<string, unknown>;
    const said = (error as { message?: unknown } | undefined)?.message ?? message ?? detail ?? text;
    return (typeof said === "string" ? said : JSON.stringify(said)).slice(0, 300);
  } catch {
    return text.slice(0, 120);
  }
};

const textOf = async (answer: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of answer) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).length;
    if (size > mostBytes) throw new Error(`an answer of more than ${mostBytes} bytes`);
  }
  return Buffer.concat(pieces).toString();
};

/** A server of completions. */
export class VllmServer {
  readonly #rules: ServerRules;
  constructor(rules: ServerRules) {
    this.#rules = { ...rules, url: rules.url.replace(/\/+(v1\/*)?$/, "") };
  }

  /** One request. `fetch` would give up a long answer by itself after five minutes. */
  async #once(
    path: string,
    body: string | undefined,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    const { url, apiKey } = this.#rules;
    const place = new URL(`${url}${path}`);
    const send = place.protocol === "https:" ? httpsRequest : httpRequest;
    const headers = {
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = send(place, {
        method: body === undefined ? "GET" : "POST",
        headers,
        signal,
        agent: false,
      });
      asked.on("response", resolve).on("error", reject).end(body);
    });
    return { status: answer.statusCode ?? 0, text: await textOf(answer) };
  }

  /**
   * Asks a path: POST with a body, GET without. What fails by itself (no connection, busy, a fault of the server) is asked
   * again with growing waits.
   *
   * @returns what it answered; `unknown` with its words where it answered 404
   * @throws {EngineError} when it refuses, or is not there in time
   * @throws the signal's reason when somebody stops
   */
  async ask(path: string, body?: unknown, outer?: AbortSignal): Promise<ServerAnswer> {
    const { url, deadlineSeconds, patienceSeconds } = this.#rules;
    const where = `${url}${path}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const begun = nowMilliseconds();
    for (let wait = firstPause; ; wait = Math.min(2 * wait, longestPause)) {
      const deadline = AbortSignal.timeout(deadlineSeconds * 1000);
      let failure: string;
      try {
        const signal = outer === undefined ? deadline : AbortSignal.any([outer, deadline]);
        const answer = await this.#once(path, text, signal);
        if (answer.status === 404) return { unknown: reasonIn(answer.text) };
        if (answer.status < 300) return { body: this.#parsed(answer.text, where) };
        failure = `HTTP ${answer.status}: ${reasonIn(answer.text)}`;
        if (answer.status < 500 && answer.status !== 429)
          throw new EngineError("the roll-out server refuses", { where, got: failure });
      } catch (error) {
        outer?.throwIfAborted();
        if (error instanceof EngineError) throw error;
        if (deadline.aborted)
          throw new EngineError("the roll-out server is too slow", {
            where,
            expected: `an answer in ${deadlineSeconds} s`,
            hint: "look at its log, or raise rollouts.params.deadlineSeconds",
            cause: error,
          });
        failure = messageOf(error);
      }
      if (nowMilliseconds() + wait - begun > patienceSeconds * 1000)
        throw new EngineError("the roll-out server does not answer", {
          where,
          expected: `an answer in ${patienceSeconds} s`,
          got: failure,
          hint: "start it as docs/torch.md says; the run resumes from its last checkpoint",
        });
      await pause(wait, undefined, { signal: outer });
    }
  }

  #parsed(text: string, where: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      // Loading and unloading an adapter is answered in words.
      if (/^(Success|OK)/i.test(text)) return text;
      throw new EngineError("the roll-out server answers no JSON", {
        where,
        got: text.slice(0, 80),
        cause: error,
      });
    }
  }
}
