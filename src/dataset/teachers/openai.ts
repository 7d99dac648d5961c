import { z } from "zod";
import { fittedWithin, type PairSource } from "../../absent/pair-source.ts";
import type { ChatCompletion, CompletionRequest } from "../../core/chat-completion.ts";
import { endpointOf, mayAnswerLater, UnusableAnswer } from "../../core/endpoint.ts";
import { pictureTokens, tokenCost } from "../../core/endpoint-cost.ts";
import { sha256 } from "../../core/files.ts";
import { KeptAnswers } from "../../core/kept-answers.ts";
import { PatientClient, type PatientOutcome } from "../../core/patient-client.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { jpegOf } from "../../frames/jpeg-picture.ts";
import { endOf, indicesForFps } from "../../video/timeline.ts";
import { defineTeacher, type TeacherOutcome, type TeacherPlugin, type TeacherUsage } from "../teacher.ts";
import {
  readTeacherAnswer,
  teacherPromptVersion,
  teacherQuestion,
  teacherSchema,
  teacherSystem,
} from "../teacher-answer.ts";

const params = z.strictObject({
  endpoint: z.string().min(1).describe("BASE_URL#MODEL, e.g. http://localhost:8000/v1#qwen"),
  apiKeyVariable: z.string().default("OPENAI_API_KEY").describe("environment variable that holds the key"),
  framesPerSecond: z.number().positive().default(4).describe("frames that are shown of a second"),
  mostFrames: z.int().min(1).default(32).describe("frames of a clip at most; then they are spread evenly"),
  pixels: z.int().min(28).default(448).describe("longest side of a picture"),
  quality: z.int().min(1).max(100).default(85).describe("of the JPEGs"),
  maxNewTokens: z.int().min(64).default(1500).describe("tokens of an answer at most"),
  attempts: z.int().min(1).default(4).describe("tries a clip, the first included"),
  backoffSeconds: z.number().nonnegative().default(1).describe("wait after a failure; doubles each time"),
  deadlineSeconds: z.number().positive().default(180).describe("time for one clip, retries included"),
  requestsPerMinute: z.number().positive().optional().describe("of this machine at most; left out: no limit"),
  pricePerMillionPromptTokens: z.number().min(0).default(0).describe("for the cost"),
  pricePerMillionCompletionTokens: z.number().min(0).default(0).describe("for the cost"),
});
type Settings = z.output<typeof params>;

/** How an answer gets its form, the strictest first: an endpoint that does not know one is asked by the next. */
const forms: readonly CompletionRequest["response_format"][] = [
  { type: "json_schema", json_schema: { name: "clip", strict: true, schema: teacherSchema } },
  { type: "json_object" },
  undefined,
];

/** Whether a refusal is about the form of the answer and not about what was asked. */
const isAboutForm = (reason: string): boolean =>
  /response_format|json_schema|json_object|structured|guided|grammar/i.test(reason);

const priceOf = (settings: Settings, promptTokens: number, completionTokens: number): TeacherUsage => ({
  promptTokens,
  completionTokens,
  cost: tokenCost(settings, promptTokens, completionTokens),
});

/** Positions of the frames that are shown, ascending. */
const shownPositions = ({ timeline }: PairSource, { framesPerSecond, mostFrames }: Settings): number[] => {
  const all = indicesForFps(timeline, framesPerSecond);
  if (all.length <= mostFrames) return [...all];
  return Array.from(
    { length: mostFrames },
    (_, at) => all[Math.floor(((at + 0.5) * all.length) / mostFrames)]!,
  );
};

/** Everything that is asked about a clip, but for the form of the answer. */
const requestAbout = async (
  clip: PairSource,
  model: string,
  settings: Settings,
  signal: AbortSignal,
): Promise<CompletionRequest> => {
  const indices = shownPositions(clip, settings).map((at) => clip.timeline[at]!.index as number);
  const size = fittedWithin(clip, settings.pixels);
  const parts: object[] = [];
  for await (const batch of clip.frames(indices, size, "zscale", signal))
    for (const [at, { timeSeconds }] of batch.frames.entries()) {
      const data = (await jpegOf(pixelsOf(batch, at), size, settings.quality)).toString("base64");
      parts.push({ type: "text", text: `${timeSeconds.toFixed(2)} s` });
      parts.push({ type: "image_url", image_url: { url: `data:image/jpeg;base64,${data}` } });
    }
  const text = teacherQuestion(endOf(clip.timeline, clip.durationSeconds));
  return {
    model,
    messages: [
      { role: "system", content: teacherSystem },
      { role: "user", content: [...parts, { type: "text", text }] as never },
    ],
    temperature: 0,
    max_tokens: settings.maxNewTokens,
  };
};

/** What a completion says; a refusal is no answer, and asking again would not change it. */
const readCompletion = ({ text, finishReason, refusal }: ChatCompletion, durationSeconds: number) => {
  if (finishReason === "refused")
    throw new UnusableAnswer("refused", refusal ?? "stopped by the endpoint's content filter", false);
  if (finishReason === "length")
    throw new UnusableAnswer("malformed", "the answer was cut off; raise maxNewTokens", false);
  return readTeacherAnswer(text, durationSeconds);
};

/** A vision-language model behind any OpenAI-compatible endpoint, shown timed frames. */
const openai: TeacherPlugin = defineTeacher({
  summary: "a vision-language model behind an OpenAI-compatible endpoint (openai:URL#MODEL)",
  source:
    "VideoPerceiver (arXiv 2511.18823) writes salient captions and questions with GPT-4o; the prompts are ours",
  params,
  argument: "endpoint",
  create: (settings) => {
    const { baseUrl, model } = endpointOf(settings.endpoint, "--teacher openai");
    const { framesPerSecond, mostFrames, pixels, quality, maxNewTokens } = settings;
    const look = { framesPerSecond, mostFrames, pixels, quality, maxNewTokens };
    return {
      record: { name: "openai", params: { model, prompt: teacherPromptVersion, ...look } },
      estimate: (clips) => {
        const picture = pictureTokens(pixels);
        const usage = priceOf(settings, clips * (600 + mostFrames * picture), clips * maxNewTokens);
        const { requestsPerMinute } = settings;
        return {
          ...usage,
          leastSeconds: requestsPerMinute === undefined ? 0 : (60 * clips) / requestsPerMinute,
        };
      },
      open: ({ answersFolders, processes }) => {
        const client = new PatientClient({
          ...settings,
          baseUrl,
          apiKey: process.env[settings.apiKeyVariable],
          requestsPerMinute:
            settings.requestsPerMinute === undefined ? undefined : settings.requestsPerMinute / processes,
        });
        const kept = answersFolders.map((folder) => new KeptAnswers(folder));
        let form = 0;
        type Read = ReturnType<typeof readTeacherAnswer>;
        const ask = async (
          body: CompletionRequest,
          read: (completion: ChatCompletion) => Read,
          signal: AbortSignal,
        ): Promise<PatientOutcome<Read>> => {
          for (let at = form; ; at++) {
            const format = forms[at];
            const outcome = await client.ask(
              { ...body, ...(format && { response_format: format }) },
              signal,
              read,
            );
            const isRefused = "failure" in outcome && outcome.failure.status === "refused";
            if (isRefused && at + 1 < forms.length && isAboutForm(outcome.failure.reason)) continue;
            if ("answer" in outcome) form = at;
            return outcome;
          }
        };
        return async (clip, signal): Promise<TeacherOutcome> => {
          const durationSeconds = endOf(clip.timeline, clip.durationSeconds);
          const read = (completion: ChatCompletion): Read => readCompletion(completion, durationSeconds);
          // The file's content stands for its frames: a clip whose answer is known is not decoded, nor asked about after an update.
          const key = sha256(
            JSON.stringify(["teacher", model, teacherPromptVersion, look, clip.clip.sha256]),
          );
          const answered = (completion: ChatCompletion, answer: Read): TeacherOutcome => {
            for (const folder of kept) folder.put(key, completion);
            const { promptTokens, completionTokens } = completion;
            return { status: "ok", ...answer, usage: priceOf(settings, promptTokens, completionTokens) };
          };
          for (const folder of kept) {
            const known = folder.get(key);
            if (known !== undefined) return answered(known, read(known));
          }
          const outcome = await ask(await requestAbout(clip, model, settings, signal), read, signal);
          if ("answer" in outcome) return answered(outcome.completion, outcome.answer);
          const { status, reason } = outcome.failure;
          return {
            status: "failed",
            reason: `${status}: ${reason}`,
            mayAnswerLater: mayAnswerLater(status),
          };
        };
      },
    };
  },
});

export default openai;
