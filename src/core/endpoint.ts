import OpenAI from "openai";
import { unixSeconds } from "./clock.ts";
import { ConfigError, messageOf, VideoPerceiverError } from "./errors.ts";

/** What became of a request that an endpoint did not answer as it should. */
export type EndpointStatus =
  | "rate-limited"
  | "server-error"
  | "refused"
  | "unreachable"
  | "malformed"
  | "empty";

/** An answer that came and is of no use: what it counts as, and whether another one may be better. */
export class UnusableAnswer extends Error {
  readonly status: "malformed" | "empty" | "refused";
  readonly again: boolean;
  constructor(status: "malformed" | "empty" | "refused", reason: string, again: boolean) {
    super(reason);
    this.status = status;
    this.again = again;
  }
}

const laterStatuses: readonly string[] = ["rate-limited", "server-error", "unreachable", "deadline"];

/** Whether the same question may be answered another time: the endpoint was busy, broken or away. */
export const mayAnswerLater = (status: EndpointStatus | "deadline"): boolean =>
  laterStatuses.includes(status);

/** A question that an endpoint did not answer, after all patience. Callers over many clips name the clip and go on. */
export class UnansweredError extends VideoPerceiverError {
  /** True when asking another time may help. */
  readonly mayAnswerLater: boolean;
  /** @param who asked, e.g. "relevance openai" @param where what it was asked about */
  constructor(who: string, where: string, status: EndpointStatus | "deadline", reason: string) {
    super("unanswered", `${who} has no answer`, { where, got: `${status}: ${reason}` });
    this.mayAnswerLater = mayAnswerLater(status);
  }
}

/** A failed attempt: what it counts as, and whether another one may help. */
export interface EndpointFailure {
  readonly status: EndpointStatus;
  /** In one line, without the key. */
  readonly reason: string;
  readonly again: boolean;
  /** What the server asked us to wait. */
  readonly afterSeconds?: number;
}

/** Seconds of a `retry-after` header: a number, or until a date; nothing where it is neither. */
const afterOf = (headers: Headers | undefined): number | undefined => {
  const said = headers?.get("retry-after") ?? "";
  const until = (Date.parse(said) - unixSeconds() * 1000) / 1000;
  return (
    Number(headers?.get("retry-after-ms")) / 1000 || Number(said) || (Number.isNaN(until) ? undefined : until)
  );
};

/** Whether the line broke while an answer was read: what came is no answer, and nobody's fault. */
const isBrokenLine = (error: unknown): boolean => {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === "string" && /^(UND_ERR_|ECONN|EPIPE|ETIMEDOUT)/.test(code)) return true;
  return cause !== undefined && isBrokenLine(cause);
};

/**
 * What an error of the `openai` client says.
 *
 * @param key never repeated, though servers repeat it in their complaints
 */
export const endpointFailure = (error: unknown, key: string | undefined): EndpointFailure => {
  const message = messageOf(error);
  // A server's complaint goes to a terminal: no control characters.
  const reason = (key ? message.replaceAll(key, "[key]") : message).replace(/\p{Cc}+/gu, " ").slice(0, 300);
  if (error instanceof OpenAI.APIError && error.status !== undefined) {
    const after = afterOf(error.headers);
    const wait = after === undefined ? {} : { afterSeconds: Math.max(0, after) };
    if (error.status === 429) return { status: "rate-limited", reason, again: true, ...wait };
    if (error.status >= 500) return { status: "server-error", reason, again: true, ...wait };
    return { status: "refused", reason, again: error.status === 408 || error.status === 409 };
  }
  if (error instanceof UnusableAnswer) return { status: error.status, reason, again: error.again };
  if (error instanceof OpenAI.APIConnectionError || isBrokenLine(error))
    return { status: "unreachable", reason, again: true };
  return { status: "malformed", reason, again: true };
};

/**
 * An endpoint as people write it.
 *
 * @param text `BASE_URL#MODEL`
 * @param where the option that it stands in
 * @throws {ConfigError} for an address or a model that is none
 */
export const endpointOf = (
  text: string,
  where: string,
): { readonly baseUrl: string; readonly model: string } => {
  const mark = text.lastIndexOf("#");
  const [baseUrl, model] = [text.slice(0, Math.max(0, mark)), text.slice(mark + 1)];
  if (mark < 0 || model === "" || !URL.canParse(baseUrl) || !/^https?:/.test(baseUrl))
    throw new ConfigError("not an endpoint", {
      where,
      expected: "BASE_URL#MODEL, such as http://localhost:8000/v1#qwen",
      got: text,
    });
  return { baseUrl, model };
};

/** Waits, or less when the signal ends first. */
export const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true || milliseconds <= 0) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
