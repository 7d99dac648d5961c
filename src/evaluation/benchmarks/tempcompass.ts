import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation, LETTERED_LINES, splitLettered } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import {
  type BenchmarkPlugin,
  type BenchmarkSample,
  defineBenchmark,
  type OwnAnswer,
} from "../benchmarks.ts";
import { optionLines } from "../prompt.ts";

const item = z.object({ question: z.string(), answer: z.string() });
const file = z.record(z.string(), z.record(z.string(), z.array(item)));
const answered = z.record(
  z.string(),
  z.record(
    z.string(),
    z.array(
      z
        .object({ prediction: z.unknown().optional(), response: z.unknown().optional() })
        .refine((one) => "prediction" in one || "response" in one),
    ),
  ),
);

/** The video that an edited one (reversed, joined with another) was made of, where the file has it. */
const originalOf = (video: string, videos: ReadonlySet<string>): string => {
  const original = video.replace(/_(?:reverse|concat_\d+|[^_]+_\d+)$/, "");
  return videos.has(original) ? original : video;
};

const sampleOf = (
  id: string,
  video: string,
  cluster: string,
  aspect: string,
  { question, answer }: z.output<typeof item>,
): BenchmarkSample => {
  const split = splitLettered(question, LETTERED_LINES);
  const right = split?.options.findIndex((text, i) => answer.trim() === `${optionLetter(i)}. ${text}`) ?? -1;
  return annotatedSample("tempcompass", {
    id,
    video: `${video}.mp4`,
    cluster,
    question: split?.stem ?? question,
    answer: split === null ? answer : right < 0 ? null : optionLetter(right),
    answerKind: split === null ? "open" : "choice",
    ...(split === null ? {} : { options: split.options }),
    skill: aspect,
    irregular: [
      ...(split === null ? ["no lettered options (taken as an open question)"] : []),
      ...(split !== null && right < 0 ? ["the reference is none of the options (not scored)"] : []),
    ],
  });
};

const idOf = (video: string, aspect: string, at: number): string => `${video}/${aspect}/${at}`;

const readPredictions = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = answered.safeParse(value);
  if (!parsed.success) return undefined;
  return Object.entries(parsed.data).flatMap(([video, aspects]) =>
    Object.entries(aspects).flatMap(([aspect, items]) =>
      items.map(({ prediction, response }, at) => {
        const id = idOf(video, aspect, at);
        return { id, answer: prediction ?? response, where: `${where}, ${id}` };
      }),
    ),
  );
};

/**
 * TempCompass's multiple-choice task. Questions are named `1034419625/action/0`; videos made of one video are one cluster.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "TempCompass, multiple choice on five temporal aspects",
  source: "llyx97/TempCompass@e1b4631, without its language model (--disable_llm)",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "tempcompass",
    verified:
      "published ratings of Video-LLaVA: action 76.0, direction 35.2, speed 35.6, order 37.7, attribute_change 41.0, average 45.6",
    metrics: ["accuracy", "macro-accuracy"],
    prompt: (sample) => ({
      text: `${questionText(sample)}\n${optionLines(sample)}\nPlease directly give the best option:`,
    }),
    ownLayout: { files: /multi-choice.*\.json$/, read: readPredictions },
    samples: async (path) =>
      filesAt(path, /^multi-choice\.json$/, "questions of TempCompass").flatMap((one) => {
        const videos = checkedAnnotation(
          file,
          readJsonFile(one),
          one,
          'an object {"<video>": {"<aspect>": [{"question", "answer"}]}}',
        );
        const names = new Set(Object.keys(videos));
        return Object.entries(videos).flatMap(([video, aspects]) =>
          Object.entries(aspects).flatMap(([aspect, items]) =>
            items.map((one, at) =>
              sampleOf(idOf(video, aspect, at), video, originalOf(video, names), aspect, one),
            ),
          ),
        );
      }),
  }),
});
export default plugin;
