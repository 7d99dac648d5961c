import OpenAI from "openai";
import { type ChatCompletion, type CompletionRequest, completeOnce } from "./chat-completion.ts";
import { type EndpointFailure, endpointFailure, pause } from "./endpoint.ts";
import { limitedFetch } from "./limited-fetch.ts";
import { nowMilliseconds } from "./progress.ts";

/** How an endpoint is asked. */
export interface PatientRules {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly stream?: boolean;
  /** Tries a question, the first included. */
  readonly attempts: number;
  /** Wait after the first failure, seconds; doubles each time. */
  readonly backoffSeconds: number;
  /**
   * Time for one question: its requests and the waits after its failures. Waiting for a turn under a rate limit, ours or
   * the server's, is nobody's fault and not counted.
   */
  readonly deadlineSeconds: number;
  /** Undefined: as many as come. */
  readonly requestsPerMinute: number | undefined;
  /** Longest wait that a rate-limiting server may ask for. Default 600. */
  readonly longestWaitSeconds?: number;
  /** Most bytes of one answer. Default 8 MiB: far more than an answer has, far less than a memory. */
  readonly mostAnswerBytes?: number;
}

/** What became of a question; `milliseconds` without waiting for a turn. */
export type PatientOutcome<T> =
  | {
      readonly answer: T;
      readonly completion: ChatCompletion;
      readonly attempts: number;
      readonly milliseconds: number;
    }
  | {
      readonly failure: Pick<EndpointFailure, "reason"> & {
        readonly status: EndpointFailure["status"] | "deadline";
      };
      readonly attempts: number;
      readonly milliseconds: number;
    };

/** Asks an endpoint until it answers, refuses for good, or time is up; failures are outcomes. */
export class PatientClient {
  readonly #client: OpenAI;
  readonly #rules: PatientRules;
  /** When our rate allows the next request. */
  #nextSlot = 0;
  /** Until when a server asked to be left alone. */
  #closedUntil = 0;
  constructor(rules: PatientRules) {
    this.#rules = rules;
    this.#client = new OpenAI({
      baseURL: rules.baseUrl,
      apiKey: rules.apiKey ?? "none",
      maxRetries: 0,
      fetch: limitedFetch(rules.mostAnswerBytes ?? 8 << 20),
    });
  }
  /**
   * One question.
   *
   * @param read makes of a completion what is wanted; what it throws is a failed try ({@link UnusableAnswer} says of what kind)
   * @throws only what `outer` throws when somebody stops
   */
  async ask<T>(
    request: CompletionRequest,
    outer: AbortSignal | undefined,
    read: (completion: ChatCompletion) => T,
  ): Promise<PatientOutcome<T>> {
    const { attempts, backoffSeconds, deadlineSeconds, longestWaitSeconds = 600, apiKey } = this.#rules;
    let spent = 0;
    let before = "";
    const failed = (status: EndpointFailure["status"] | "deadline", reason: string, tries: number) => ({
      failure: { status, reason },
      attempts: tries,
      milliseconds: Math.round(spent),
    });
    for (let tries = 1; ; tries++) {
      await this.#turn(outer);
      outer?.throwIfAborted();
      const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineSeconds * 1000 - spent)));
      const started = nowMilliseconds();
      let failure: EndpointFailure;
      try {
        const signal = outer === undefined ? deadline : AbortSignal.any([deadline, outer]);
        const completion = await completeOnce(this.#client, request, this.#rules.stream === true, signal);
        const milliseconds = Math.round(spent + nowMilliseconds() - started);
        return { answer: read(completion), completion, attempts: tries, milliseconds };
      } catch (error) {
        outer?.throwIfAborted();
        spent += nowMilliseconds() - started;
        if (deadline.aborted) return failed("deadline", `no answer in ${deadlineSeconds} s${before}`, tries);
        failure = endpointFailure(error, apiKey);
      }
      const { status, reason } = failure;
      before = `; before that: ${reason}`;
      if (!failure.again || tries >= attempts) return failed(status, reason, tries);
      const wait = failure.afterSeconds ?? backoffSeconds * 2 ** (tries - 1);
      // A server that is asked too much is left alone by everybody.
      if (status === "rate-limited") {
        if (wait > longestWaitSeconds)
          return failed(status, `${reason}; it asks for a wait of ${wait} s`, tries);
        this.#closedUntil = Math.max(this.#closedUntil, nowMilliseconds() + wait * 1000);
        this.#nextSlot = Math.max(this.#nextSlot, this.#closedUntil);
        continue;
      }
      if (spent + wait * 1000 > deadlineSeconds * 1000)
        return failed(status, `${reason}; the next try would come after ${deadlineSeconds} s`, tries);
      spent += wait * 1000;
      await pause(wait * 1000, outer);
    }
  }
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { requestsPerMinute } = this.#rules;
    if (requestsPerMinute !== undefined) {
      const now = nowMilliseconds();
      const start = Math.max(now, this.#nextSlot);
      this.#nextSlot = start + 60_000 / requestsPerMinute;
      await pause(start - now, signal);
    }
    while (signal?.aborted !== true && nowMilliseconds() < this.#closedUntil)
      await pause(this.#closedUntil - nowMilliseconds(), signal);
  }
}
