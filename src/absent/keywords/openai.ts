import { existsSync } from "node:fs";
import { join } from "node:path";
import PQueue from "p-queue";
import { z } from "zod";
import type { ChatCompletion, CompletionRequest } from "../../core/chat-completion.ts";
import { UnusableAnswer } from "../../core/endpoint.ts";
import { tokenCost } from "../../core/endpoint-cost.ts";
import { makeFolder, readJsonFile, sha256, writeFileAtomic } from "../../core/files.ts";
import { PatientClient } from "../../core/patient-client.ts";
import { defineKeywordExtractor, type KeywordExtractorDefinition, type KeywordOutcome } from "../keywords.ts";
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
    .describe("time for one caption, retries included; waiting for a turn under a rate limit is not"),
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

/** What a completion says. @throws {UnusableAnswer} when it says no keywords */
const readKeywords = ({ text }: ChatCompletion): readonly string[] => {
  if (text.trim() === "") throw new UnusableAnswer("empty", "the endpoint answered without text", true);
  const parsed = answer.safeParse(JSON.parse(text));
  if (!parsed.success) throw new UnusableAnswer("malformed", z.prettifyError(parsed.error), true);
  const { keywords } = parsed.data;
  if (keywords.length === 0) throw new UnusableAnswer("empty", "the model names no visible action", false);
  return keywords;
};

const requestFor = (model: string, caption: string): CompletionRequest => ({
  model,
  temperature: 0,
  messages: [
    { role: "system", content: instruction },
    { role: "user", content: caption },
  ],
  response_format: {
    type: "json_schema",
    json_schema: { name: "keywords", strict: true, schema: answerSchema },
  },
});

/** Keywords from a language model behind any OpenAI-compatible endpoint. */
const openai: KeywordExtractorDefinition = defineKeywordExtractor({
  summary: "a language model behind an OpenAI-compatible endpoint, with structured output",
  source: "VideoPerceiver (arXiv 2511.18823) extracts keywords with GPT-4; the prompt is ours",
  params,
  create: (settings) => {
    const client = new PatientClient({
      ...settings,
      apiKey: process.env[settings.apiKeyVariable],
      mostAnswerBytes,
    });
    const queue = new PQueue({ concurrency: settings.concurrency });
    const cacheFile = (caption: string): string | undefined =>
      settings.cacheFolder === undefined
        ? undefined
        : join(
            settings.cacheFolder,
            `${sha256(JSON.stringify([requestVersion, settings.baseUrl, settings.model, instruction, caption]))}.json`,
          );

    return {
      version: `${version}/${settings.model}`,
      recorded: { model: settings.model },
      extract: async (caption, outer) => {
        const file = cacheFile(caption);
        if (file !== undefined && existsSync(file)) {
          const kept = cachedAnswer.safeParse(readJsonFile(file));
          if (kept.success) return grounded({ status: "ok", ...kept.data, cached: true }, caption, 0);
        }
        const request = requestFor(settings.model, caption);
        const outcome = await queue.add(
          () => client.ask(request, outer, readKeywords),
          outer === undefined ? {} : { signal: outer },
        );
        const { attempts } = outcome;
        if ("failure" in outcome) return { ...outcome.failure, attempts };
        const { promptTokens, completionTokens } = outcome.completion;
        const cost = tokenCost(settings, promptTokens, completionTokens);
        const said = { keywords: outcome.answer, usage: { promptTokens, completionTokens, cost } };
        if (file !== undefined) {
          makeFolder(settings.cacheFolder!);
          writeFileAtomic(file, JSON.stringify(said));
        }
        return grounded({ status: "ok", ...said }, caption, attempts);
      },
    };
  },
});

export default openai;
