import OpenAI from "openai";
import { type EndpointFailure, endpointFailure, pause } from "../../core/endpoint.ts";
import { limitedFetch } from "../../core/limited-fetch.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { type CompletionRequest, completeOnce, type EndpointCompletion } from "./completion.ts";

/** How an endpoint is asked. */
export interface PatientRules {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly stream: boolean;
  /** Tries a question, the first included. */
  readonly attempts: number;
  /** Wait after the first failure, seconds; doubles each time, and is spread by a quarter so that tries do not meet. */
  readonly backoffSeconds: number;
  /** Time for one question, waiting and retries included. */
  readonly deadlineSeconds: number;
  /** Undefined: as many as come. */
  readonly requestsPerMinute: number | undefined;
}

/** What became of a question. */
export type PatientOutcome =
  | { readonly completion: EndpointCompletion; readonly attempts: number; readonly milliseconds: number }
  | {
      readonly failure: Pick<EndpointFailure, "reason"> & { readonly status: string };
      readonly attempts: number;
      readonly milliseconds: number;
    };

/** Most bytes of one answer: far more than an answer has, far less than a memory. */
const mostAnswerBytes = 8 << 20;

/** Asks an endpoint until it answers, refuses for good, or time is up; failures are outcomes. */
export class PatientClient {
  readonly #client: OpenAI;
  readonly #rules: PatientRules;
  /** Before this time nobody begins a request: the rate limit, and what servers asked for. */
  #gate = 0;
  constructor(rules: PatientRules) {
    this.#rules = rules;
    this.#client = new OpenAI({
      baseURL: rules.baseUrl,
      apiKey: rules.apiKey ?? "none",
      maxRetries: 0,
      fetch: limitedFetch(mostAnswerBytes),
    });
  }
  /** One question. @throws only what `outer` throws when somebody stops */
  async ask(request: CompletionRequest, outer: AbortSignal | undefined): Promise<PatientOutcome> {
    const { attempts, backoffSeconds, deadlineSeconds, stream, apiKey } = this.#rules;
    const deadline = AbortSignal.timeout(deadlineSeconds * 1000);
    const signal = outer === undefined ? deadline : AbortSignal.any([deadline, outer]);
    const started = nowMilliseconds();
    const spent = (): number => Math.round(nowMilliseconds() - started);
    let failure: EndpointFailure | undefined;
    for (let tries = 1; ; tries++) {
      await this.#wait(signal);
      outer?.throwIfAborted();
      if (!deadline.aborted)
        try {
          const completion = await completeOnce(this.#client, request, stream, signal);
          return { completion, attempts: tries, milliseconds: spent() };
        } catch (error) {
          outer?.throwIfAborted();
          if (!deadline.aborted) failure = endpointFailure(error, apiKey);
        }
      if (deadline.aborted) {
        const before = failure === undefined ? "" : `; before that: ${failure.reason}`;
        const reason = `no answer in ${deadlineSeconds} s${before}`;
        return { failure: { status: "deadline", reason }, attempts: tries, milliseconds: spent() };
      }
      if (!failure!.again || tries >= attempts)
        return { failure: failure!, attempts: tries, milliseconds: spent() };
      const wait = failure!.afterSeconds ?? backoffSeconds * 2 ** (tries - 1);
      // A server that is asked too much is left alone by everybody.
      if (failure!.status === "rate-limited")
        this.#gate = Math.max(this.#gate, nowMilliseconds() + wait * 1000);
      else await pause(wait * 1000, signal);
    }
  }
  async #wait(signal: AbortSignal): Promise<void> {
    const { requestsPerMinute } = this.#rules;
    const now = nowMilliseconds();
    const start = Math.max(now, this.#gate);
    if (requestsPerMinute !== undefined) this.#gate = start + 60_000 / requestsPerMinute;
    await pause(start - now, signal);
  }
}
