import { existsSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import PQueue from "p-queue";
import { z } from "zod";
import { type EndpointFailure, endpointFailure, pause } from "../../core/endpoint.ts";
import { messageOf } from "../../core/errors.ts";
import { makeFolder, readJsonFile, sha256, writeFileAtomic } from "../../core/files.ts";
import { limitedFetch } from "../../core/limited-fetch.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import {
  defineKeywordExtractor,
  type KeywordExtractorDefinition,
  type KeywordFailure,
  type KeywordOutcome,
} from "../keywords.ts";
import { otherLanguage } from "../language/caption-language.ts";
import { groundedKeywords } from "../language/grounding.ts";
import { installedWordNet } from "../language/wordnet.ts";

const params = z.strictObject({
  baseUrl: z.string().describe("address of the endpoint, e.g. http://localhost:8000/v1"),
  model: z.string().min(1).describe("the model's name at that endpoint"),
  apiKeyVariable: z.string().default("OPENAI_API_KEY").describe("environment variable that holds the key"),
  attempts: z.number().int().min(1).default(4).describe("tries per caption, the first included"),
  requestsPerMinute: z.number().positive().default(600).describe("requests per minute at most"),
  concurrency: z.number().int().min(1).default(8).describe("requests at the same time"),
  deadlineSeconds: z
    .number()
    .positive()
    .default(120)
    .describe("time for one caption, waiting and retries included"),
  backoffSeconds: z
    .number()
    .nonnegative()
    .default(1)
    .describe("wait after the first failure; doubles each time"),
  pricePerMillionPromptTokens: z.number().min(0).default(0).describe("for the cost record"),
  pricePerMillionCompletionTokens: z.number().min(0).default(0).describe("for the cost record"),
  cacheFolder: z.string().optional().describe("answers are kept here by content; absent: not kept"),
});

/** Of the request; what is kept by content holds its answers as they came. */
const requestVersion = "1";
/** Of the outcome. */
const version = "2";

const instruction =
  "List the short, visible, transient actions or events that the caption of a video states, in the caption's order. " +
  'Give each as a verb in its base form, followed by the noun it acts on when there is one, e.g. "flip pancake". ' +
  "Leave out states, opinions, sounds and anything that the caption does not say. If there are none, give an empty list.";

const answerSchema = {
  type: "object",
  properties: { keywords: { type: "array", items: { type: "string" } } },
  required: ["keywords"],
  additionalProperties: false,
} as const;

const answer: z.ZodType<{ keywords: string[] }> = z.strictObject({
  keywords: z.array(z.string().trim().min(1).max(80)).max(40),
});

const cachedAnswer = z.object({
  keywords: z.array(z.string()),
  usage: z.object({ promptTokens: z.number(), completionTokens: z.number(), cost: z.number() }),
});

/** A failed attempt: what it counts as, and whether another one may help. */
interface Failure extends Omit<EndpointFailure, "status"> {
  readonly status: KeywordFailure;
}

/** Most bytes of one answer: a thousand times what keywords take. */
const mostAnswerBytes = 1 << 20;

/** The outcome with the keywords that the caption says; the others are recorded. @param attempts 0 when kept from before */
const grounded = (outcome: KeywordOutcome, caption: string, attempts: number): KeywordOutcome => {
  if (outcome.status !== "ok") return outcome;
  const wordNet = installedWordNet();
  const other = otherLanguage(caption, wordNet);
  if (other !== undefined) return { ...outcome, unchecked: `the caption is not English: ${other}` };
  const { kept, dropped } = groundedKeywords(outcome.keywords, caption, wordNet);
  if (dropped.length === 0) return outcome;
  if (kept.length > 0) return { ...outcome, keywords: kept, dropped };
  const named = dropped.slice(0, 3).map(({ keyword, missing }) => `"${keyword}" (${missing.join(", ")})`);
  return {
    status: "ungrounded",
    reason: `the caption says none of the ${dropped.length} keywords that the model names, e.g. ${named.join("; ").slice(0, 200)}`,
    attempts,
    dropped,
    ...(outcome.usage && { usage: outcome.usage }),
  };
};

/** An endpoint and how it is asked. */
interface Endpoint {
  readonly client: OpenAI;
  readonly queue: PQueue;
  readonly key: string | undefined;
  readonly settings: z.output<typeof params>;
}

/** One request. */
const attempt = async (
  { client, queue, key, settings }: Endpoint,
  caption: string,
  signal: AbortSignal,
): Promise<KeywordOutcome | Failure> => {
  try {
    const response = await queue.add(
      () =>
        client.chat.completions.create(
          {
            model: settings.model,
            temperature: 0,
            messages: [
              { role: "system", content: instruction },
              { role: "user", content: caption },
            ],
            response_format: {
              type: "json_schema",
              json_schema: { name: "keywords", strict: true, schema: answerSchema },
            },
          },
          { signal },
        ),
      { signal },
    );
    if (!Array.isArray((response as Partial<typeof response> | undefined)?.choices))
      return { status: "malformed", reason: "the answer is no chat completion", again: true };
    const content = response.choices[0]?.message?.content;
    if (typeof content !== "string" || content.trim() === "")
      return { status: "empty", reason: "the endpoint answered without text", again: true };
    const { keywords } = answer.parse(JSON.parse(content));
    if (keywords.length === 0)
      return { status: "empty", reason: "the model names no visible action", again: false };
    const promptTokens = response.usage?.prompt_tokens ?? 0;
    const completionTokens = response.usage?.completion_tokens ?? 0;
    const cost =
      (promptTokens * settings.pricePerMillionPromptTokens +
        completionTokens * settings.pricePerMillionCompletionTokens) /
      1e6;
    return { status: "ok", keywords, usage: { promptTokens, completionTokens, cost } };
  } catch (error) {
    return endpointFailure(
      error,
      key,
      error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error),
    );
  }
};

/** Keywords from a language model behind any OpenAI-compatible endpoint. */
const openai: KeywordExtractorDefinition = defineKeywordExtractor({
  summary: "a language model behind an OpenAI-compatible endpoint, with structured output",
  source: "VideoPerceiver (arXiv 2511.18823) extracts keywords with GPT-4; the prompt is ours",
  params,
  create: (settings) => {
    const key = process.env[settings.apiKeyVariable];
    const client = new OpenAI({
      baseURL: settings.baseUrl,
      apiKey: key ?? "none",
      maxRetries: 0,
      fetch: limitedFetch(mostAnswerBytes),
    });
    const queue = new PQueue({
      concurrency: settings.concurrency,
      interval: 60_000 / settings.requestsPerMinute,
      intervalCap: 1,
    });
    const cacheFile = (caption: string): string | undefined =>
      settings.cacheFolder === undefined
        ? undefined
        : join(
            settings.cacheFolder,
            `${sha256(JSON.stringify([requestVersion, settings.baseUrl, settings.model, instruction, caption]))}.json`,
          );

    const endpoint: Endpoint = { client, queue, key, settings };
    return {
      version: `${version}/${settings.model}`,
      extract: async (caption, outer) => {
        const file = cacheFile(caption);
        if (file !== undefined && existsSync(file)) {
          const kept = cachedAnswer.safeParse(readJsonFile(file));
          if (kept.success) return grounded({ status: "ok", ...kept.data, cached: true }, caption, 0);
        }
        const deadline = AbortSignal.timeout(settings.deadlineSeconds * 1000);
        const started = nowMilliseconds();
        const signal = outer === undefined ? deadline : AbortSignal.any([deadline, outer]);
        let tries = 0;
        for (;;) {
          tries++;
          const result = await attempt(endpoint, caption, signal);
          outer?.throwIfAborted();
          if (!("again" in result)) {
            if (result.status === "ok" && file !== undefined) {
              makeFolder(settings.cacheFolder!);
              writeFileAtomic(file, JSON.stringify({ keywords: result.keywords, usage: result.usage }));
            }
            return grounded(result, caption, tries);
          }
          if (deadline.aborted)
            return {
              status: "deadline",
              reason: `no answer in ${settings.deadlineSeconds} s`,
              attempts: tries,
            };
          if (!result.again || tries >= settings.attempts)
            return { status: result.status, reason: result.reason, attempts: tries };
          const wait = Math.max(0, result.afterSeconds ?? settings.backoffSeconds * 2 ** (tries - 1));
          const left = settings.deadlineSeconds - (nowMilliseconds() - started) / 1000;
          if (wait > left) {
            const reason = `${result.reason}; the next try would come after the deadline of ${settings.deadlineSeconds} s`;
            return { status: result.status, reason, attempts: tries };
          }
          await pause(wait * 1000, signal);
        }
      },
    };
  },
});

export default openai;
