import PQueue from "p-queue";
import { z } from "zod";
import type { CompletionRequest } from "../../core/chat-completion.ts";
import { endpointOf, UnansweredError } from "../../core/endpoint.ts";
import { type EndpointSpending, pictureTokens, tokenCost } from "../../core/endpoint-cost.ts";
import { ConfigError } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import { KeptAnswers } from "../../core/kept-answers.ts";
import { PatientClient } from "../../core/patient-client.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import { jpegOf } from "../../frames/jpeg-picture.ts";
import { defineRelevance, type RelevanceContext, type RelevanceDefinition } from "../relevance.ts";
import { scoredInPieces } from "../scored-pieces.ts";
import { readYesNo, type YesNo } from "../yes-no.ts";

const version = "1";
const inputPixels = 448;

const params = z.strictObject({
  endpoint: z.string().min(1).describe("BASE_URL#MODEL, e.g. http://localhost:8000/v1#qwen"),
  apiKeyVariable: z.string().default("OPENAI_API_KEY").describe("environment variable that holds the key"),
  windowFrames: z
    .int()
    .min(1)
    .max(63)
    .refine((frames) => frames % 2 === 1, "an odd number of frames")
    .default(1)
    .describe("scored frames that a question shows: the frame itself, and as many before it as after it"),
  quality: z.int().min(1).max(100).default(85).describe("of the JPEGs"),
  logprobs: z.boolean().default(true).describe("score by the probability of yes, where the endpoint says it"),
  maxNewTokens: z.int().min(1).default(4).describe("tokens of an answer at most"),
  concurrency: z.int().min(1).default(8).describe("questions at the same time"),
  attempts: z.int().min(1).default(4).describe("tries a question, the first included"),
  backoffSeconds: z.number().nonnegative().default(1).describe("wait after a failure; doubles each time"),
  deadlineSeconds: z.number().positive().default(120).describe("time for one question, retries included"),
  requestsPerMinute: z.number().positive().optional().describe("of this machine at most; left out: no limit"),
  pricePerMillionPromptTokens: z.number().min(0).default(0).describe("for the cost"),
  pricePerMillionCompletionTokens: z.number().min(0).default(0).describe("for the cost"),
});
type Settings = z.output<typeof params>;

/** Tokens of the words around the pictures. */
const wordTokens = 120;

const system =
  "You are shown one frame of a video, or a few frames in order, each behind its time. Say whether something can be seen to " +
  "happen in them. Answer with one word, yes or no.";

const questionAbout = (frames: number, keywords: readonly string[]): string => {
  const named = keywords.map((keyword) => JSON.stringify(keyword)).join(", ");
  const what = keywords.length === 1 ? `this happening: ${named}` : `any of these happening: ${named}`;
  return `${frames === 1 ? "Does this frame" : "Do these frames"} show ${what}? Answer yes or no.`;
};

/** The question about frames `from` to `to` of a batch. */
const questionOf = async (
  batch: FrameBatch,
  from: number,
  to: number,
  keywords: readonly string[],
  quality: number,
): Promise<CompletionRequest["messages"]> => {
  const parts: object[] = [];
  for (let at = from; at < to; at++) {
    const data = (await jpegOf(pixelsOf(batch, at), batch, quality)).toString("base64");
    if (to - from > 1) parts.push({ type: "text", text: `${batch.frames[at]!.timeSeconds.toFixed(2)} s` });
    parts.push({ type: "image_url", image_url: { url: `data:image/jpeg;base64,${data}` } });
  }
  parts.push({ type: "text", text: questionAbout(to - from, keywords) });
  return [
    { role: "system", content: system },
    { role: "user", content: parts as never },
  ];
};

/** Asks one question after the other, and keeps the answers. */
class Asker {
  readonly #settings: Settings;
  readonly #baseUrl: string;
  readonly #model: string;
  readonly #client: PatientClient;
  readonly #kept: readonly KeptAnswers[];
  #spent: EndpointSpending = { tokens: 0, cost: 0 };
  /** False once the endpoint refused to say probabilities: it is not asked for them again. */
  #wantsLogprobs: boolean;
  constructor(settings: Settings, { answersFolders, processes }: NonNullable<RelevanceContext["endpoints"]>) {
    const { requestsPerMinute, apiKeyVariable, endpoint } = settings;
    const { baseUrl, model } = endpointOf(endpoint, "--relevance openai");
    this.#settings = settings;
    this.#baseUrl = baseUrl;
    this.#model = model;
    this.#wantsLogprobs = settings.logprobs;
    this.#kept = answersFolders.map((folder) => new KeptAnswers(folder));
    this.#client = new PatientClient({
      ...settings,
      baseUrl,
      apiKey: process.env[apiKeyVariable],
      requestsPerMinute: requestsPerMinute === undefined ? undefined : requestsPerMinute / processes,
      mostAnswerBytes: 1 << 20,
    });
  }
  /** What was paid since the last call. */
  takeSpent(): EndpointSpending {
    const spent = this.#spent;
    this.#spent = { tokens: 0, cost: 0 };
    return spent;
  }
  /** What the endpoint says to a question, now or before. @throws {UnansweredError} for none, naming `where` */
  async ask(
    messages: CompletionRequest["messages"],
    where: string,
    signal: AbortSignal | undefined,
  ): Promise<YesNo> {
    const { maxNewTokens, logprobs } = this.#settings;
    const body = { model: this.#model, messages, temperature: 0, max_tokens: maxNewTokens };
    const key = sha256(JSON.stringify(["relevance", version, this.#baseUrl, body, logprobs]));
    for (const folder of this.#kept) {
      const known = folder.get(key);
      if (known !== undefined) return readYesNo(known);
    }
    for (;;) {
      const wanted = this.#wantsLogprobs;
      const request = { ...body, ...(wanted && { logprobs: true, top_logprobs: 20 }) };
      const outcome = await this.#client.ask(request, signal, readYesNo);
      if ("answer" in outcome) {
        for (const folder of this.#kept) folder.put(key, outcome.completion);
        const { promptTokens, completionTokens } = outcome.completion;
        this.#spent = {
          tokens: this.#spent.tokens + promptTokens + completionTokens,
          cost: this.#spent.cost + tokenCost(this.#settings, promptTokens, completionTokens),
        };
        return outcome.answer;
      }
      const { status, reason } = outcome.failure;
      if (!wanted || status !== "refused" || !/log.?prob/i.test(reason))
        throw new UnansweredError("relevance openai", where, status, reason);
      this.#wantsLogprobs = false;
    }
  }
}

/** The first frame without an answer stands for all of them. */
const allAnswers = async (asked: readonly Promise<YesNo>[]): Promise<YesNo[]> => {
  const settled = await Promise.allSettled(asked);
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
};

const create = (settings: Settings): ReturnType<RelevanceDefinition["create"]> => {
  const { model } = endpointOf(settings.endpoint, "--relevance openai");
  const { windowFrames, quality, maxNewTokens, logprobs, requestsPerMinute } = settings;
  const reach = (windowFrames - 1) / 2;
  const queue = new PQueue({ concurrency: settings.concurrency });
  const byYesNo = ", by yes and no alone";
  let asker: Asker | undefined;
  let manner = "";
  return {
    version: () => `${version}/${model}${manner}`,
    recorded: { model, windowFrames, quality, maxNewTokens, logprobs },
    spent: () => asker?.takeSpent() ?? { tokens: 0, cost: 0 },
    estimate: (frames) => {
      const promptTokens = frames * (wordTokens + windowFrames * pictureTokens(inputPixels));
      const completionTokens = frames * maxNewTokens;
      return {
        requests: frames,
        pictures: frames * windowFrames,
        promptTokens,
        completionTokens,
        cost: tokenCost(settings, promptTokens, completionTokens),
        leastSeconds: requestsPerMinute === undefined ? 0 : (60 * frames) / requestsPerMinute,
      };
    },
    score: async (request) => {
      const { keywords, context } = request;
      const { signal, endpoints = { answersFolders: [], processes: 1 }, onTrouble } = context;
      if (keywords.length === 0)
        throw new ConfigError("relevance openai needs keywords", { hint: "give --keywords a,b" });
      asker ??= new Asker(settings, endpoints);
      const ask = asker;
      let isByYesNo = false;
      const scores = await scoredInPieces(
        request,
        async (batch, first, count) => {
          const asked = Array.from({ length: count }, (_, i) =>
            queue.add(async () => {
              const at = first + i;
              const { index, timeSeconds } = batch.frames[at]!;
              const to = Math.min(batch.frames.length, at + reach + 1);
              const messages = await questionOf(batch, Math.max(0, at - reach), to, keywords, quality);
              return ask.ask(messages, `frame ${index} at ${timeSeconds.toFixed(2)} s`, signal);
            }),
          );
          const answers = await allAnswers(asked);
          isByYesNo ||= answers.some(({ probability }) => probability === undefined);
          const said = new Float64Array(batch.frames.length);
          for (const [i, { isYes, probability }] of answers.entries())
            said[first + i] = probability ?? Number(isYes);
          return said;
        },
        reach,
      );
      const was = manner;
      manner = isByYesNo ? byYesNo : "";
      if (isByYesNo && was !== manner)
        onTrouble?.(
          `relevance openai: the endpoint gives no log-probabilities; frames count 1 for yes and 0 for no`,
        );
      // Probabilities and bare answers on one curve would be two scales.
      return isByYesNo ? scores.map((score) => Number(score >= 0.5)) : scores;
    },
  };
};

/** A vision-language model behind any OpenAI-compatible endpoint, asked about one frame, or a short window, after the other. */
const openai: RelevanceDefinition = defineRelevance({
  summary:
    "a vision-language endpoint asked whether a frame shows the keywords (--relevance openai:URL#MODEL)",
  source:
    "VideoPerceiver (arXiv 2511.18823), eq. 1 with a model's yes in place of a cosine; the question is ours",
  params,
  version,
  unit: "probability of yes, 0 to 1; exactly 1 or 0 where the endpoint gives no log-probabilities",
  costPerFrame: "the endpoint's: one request with windowFrames pictures of about 270 tokens each",
  inputPixels,
  resizer: "pillow",
  keyFrameRule: {},
  usesText: true,
  argument: "endpoint",
  create,
});

export default openai;
