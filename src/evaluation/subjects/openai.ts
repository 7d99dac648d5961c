import { z } from "zod";
import type { ChatCompletion, CompletionRequest } from "../../core/chat-completion.ts";
import { endpointOf } from "../../core/endpoint.ts";
import { tokenCost } from "../../core/endpoint-cost.ts";
import { KeptAnswers } from "../../core/kept-answers.ts";
import { PatientClient } from "../../core/patient-client.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { gridShape } from "../../frames/picture-grid.ts";
import { ClipPictures, givenPositions, type ShownAt } from "../clip-pictures.ts";
import { Films } from "../endpoint/films.ts";
import {
  gridText,
  JpegPictures,
  messagesFor,
  type PictureEncoding,
  requestKey,
} from "../endpoint/messages.ts";
import { optionProbabilities } from "../endpoint/option-probabilities.ts";
import { promptAsText } from "../prompt.ts";
import {
  type Answer,
  type AnswerRequest,
  defineSubject,
  type SubjectEstimate,
  type SubjectMeans,
  type SubjectPlugin,
} from "../subject.ts";

const params = z.strictObject({
  endpoint: z.string().min(1).describe("BASE_URL#MODEL, e.g. http://localhost:8000/v1#qwen"),
  name: z.string().optional().describe("name in tables; the model's when left out"),
  apiKeyVariable: z.string().default("OPENAI_API_KEY").describe("environment variable that holds the key"),
  pictures: z
    .enum(["images", "video_url", "jpeg_video_url", "grid"])
    .default("images")
    .describe(
      "frames as image parts; an MP4 of them as video_url; their JPEGs as one video_url; or all in one picture",
    ),
  times: z.boolean().default(false).describe("say in front of every image when it is shown"),
  maxPixels: z.int().min(784).default(262_144).describe("pixels of a picture at most"),
  quality: z.int().min(1).max(100).default(90).describe("of the JPEGs"),
  concurrency: z.int().min(1).default(8).describe("questions at the same time"),
  requestsPerMinute: z.number().positive().optional().describe("at most; left out: no limit of ours"),
  attempts: z.int().min(1).default(4).describe("tries a question, the first included"),
  backoffSeconds: z.number().nonnegative().default(1).describe("wait after a failure; doubles each time"),
  deadlineSeconds: z
    .number()
    .positive()
    .default(120)
    .describe("time for one question, retries included; waiting for a turn is not"),
  stream: z.boolean().default(false).describe("take answers in pieces"),
  logprobs: z.boolean().default(false).describe("ask for the probabilities of the options"),
  temperature: z.number().min(0).default(0).describe("0: always the most probable token"),
  maxNewTokens: z.int().min(1).default(128).describe("tokens of an answer at most"),
  pricePerMillionPromptTokens: z.number().min(0).default(0).describe("for the cost"),
  pricePerMillionCompletionTokens: z.number().min(0).default(0).describe("for the cost"),
});
type Settings = z.output<typeof params>;

const tokensOfText = (text: string): number => Math.ceil(text.length / 4);

/** About as many visual tokens as a model that takes 28 by 28 pixels as one; of clips that nobody looked at, at most. */
const visualTokens = (request: AnswerRequest, { maxPixels, pictures }: Settings): number => {
  const count = request.view.withoutVideo === true ? 0 : givenPositions(request).length;
  if (count === 0) return 0;
  const { width, height } = (request.shownSample ?? request.sample).size ?? { width: 1, height: maxPixels };
  const pixels = Math.min(maxPixels, width * height);
  if (pictures !== "grid") return count * Math.ceil(pixels / 784);
  const { columns, rows } = gridShape(count, width, height);
  return Math.ceil((columns * rows * pixels) / 784) + tokensOfText(gridText(count));
};

const estimateOf =
  (settings: Settings, { prompt }: SubjectMeans) =>
  (requests: readonly AnswerRequest[]): SubjectEstimate => {
    const { requestsPerMinute, maxNewTokens } = settings;
    const promptTokens = requests.reduce(
      (sum, request) =>
        sum + tokensOfText(promptAsText(prompt(request.sample))) + visualTokens(request, settings),
      0,
    );
    const completionTokens = requests.length * Math.min(maxNewTokens, 16);
    return {
      promptTokens,
      completionTokens,
      cost: tokenCost(settings, promptTokens, completionTokens),
      leastSeconds: requestsPerMinute === undefined ? 0 : (requests.length * 60) / requestsPerMinute,
    };
  };

const answered = (completion: ChatCompletion, options: number, settings: Settings): Answer => {
  const { text, finishReason, refusal, promptTokens, completionTokens, first } = completion;
  const probabilities = first === undefined ? undefined : optionProbabilities(first, options);
  return {
    text,
    finishReason,
    ...(finishReason === "refused" ? { error: refusal ?? "stopped by the endpoint's content filter" } : {}),
    usage: { promptTokens, completionTokens, cost: tokenCost(settings, promptTokens, completionTokens) },
    ...(probabilities && { optionProbabilities: probabilities }),
  };
};

/** Everything that is asked about one question. */
const requestBody = async (
  request: AnswerRequest,
  shown: readonly ShownAt[],
  model: string,
  settings: Settings,
  { prompt, seed }: SubjectMeans,
  encoding: PictureEncoding,
): Promise<CompletionRequest> => {
  const asked = prompt(request.sample);
  const { logprobs, temperature, maxNewTokens } = settings;
  return {
    model,
    messages: await messagesFor(asked, shown, encoding),
    temperature,
    max_tokens: Math.min(maxNewTokens, asked.maxNewTokens ?? maxNewTokens),
    ...(temperature > 0 ? { seed: seed + request.draw } : {}),
    ...(logprobs ? { logprobs: true, top_logprobs: 20 } : {}),
  };
};

const plugin: SubjectPlugin = defineSubject({
  summary: "a model behind an OpenAI-compatible endpoint",
  source: "OpenAI's chat completions; video_url parts as vLLM and SGLang take them",
  params,
  argument: "endpoint",
  create: (settings) => {
    const { baseUrl, model } = endpointOf(settings.endpoint, "--subject openai");
    return async (means) => {
      const size = { minPixels: 1, maxPixels: settings.maxPixels };
      const pictures = new ClipPictures(means.frames, means.clipFolder, {
        size,
        take: (batch, position) => ({
          width: batch.width,
          height: batch.height,
          pixels: pixelsOf(batch, position).slice(),
        }),
      });
      const encoding: PictureEncoding = {
        as: settings.pictures,
        tellTimes: settings.times,
        jpegs: new JpegPictures(settings.quality),
        films: new Films(means.video),
      };
      const client = new PatientClient({
        ...settings,
        baseUrl,
        apiKey: process.env[settings.apiKeyVariable],
        requestsPerMinute: settings.requestsPerMinute,
      });
      const keptAnswers = new KeptAnswers(means.answersFolder);
      const askOne = async (request: AnswerRequest, signal: AbortSignal | undefined): Promise<Answer> => {
        try {
          const shown = await pictures.shown(request, signal);
          const body = await requestBody(request, shown, model, settings, means, encoding);
          const options = request.sample.options?.length ?? 0;
          const key = requestKey(baseUrl, body, settings.temperature > 0 ? request.draw : 0);
          const known = keptAnswers.get(key);
          if (known !== undefined) return { ...answered(known, options, settings), attempts: 0 };
          const outcome = await client.ask(body, signal, (completion) => completion);
          const { attempts, milliseconds: latencyMilliseconds } = outcome;
          if ("failure" in outcome) {
            const { status, reason } = outcome.failure;
            const finishReason =
              status === "deadline" ? "timeout" : status === "refused" ? "refused" : "error";
            return { text: "", finishReason, error: `${status}: ${reason}`, attempts, latencyMilliseconds };
          }
          keptAnswers.put(key, outcome.answer);
          return { ...answered(outcome.answer, options, settings), attempts, latencyMilliseconds };
        } finally {
          pictures.done(request);
        }
      };
      const { temperature, maxNewTokens } = settings;
      const { endpoint: _, concurrency, attempts, backoffSeconds, deadlineSeconds, ...decisive } = settings;
      return {
        name: settings.name ?? model,
        recipe: { name: "openai", params: { ...decisive, model } },
        decoding: { temperature, maxNewTokens, seed: means.seed },
        looks: true,
        concurrency,
        prompt: (sample) => promptAsText(means.prompt(sample)),
        refuses: (view) =>
          view.toldAs_T !== undefined && (settings.pictures !== "images" || !settings.times)
            ? "times are told with pictures=images and times=true only"
            : undefined,
        plan: (requests) => pictures.plan(requests),
        estimate: estimateOf(settings, means),
        answer: (batch, signal) => Promise.all(batch.map((request) => askOne(request, signal))),
        [Symbol.asyncDispose]: async () => {},
      };
    };
  },
});
export default plugin;
