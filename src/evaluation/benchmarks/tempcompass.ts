import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import { labelledOptions } from "../../grading/labelled-options.ts";
import { optionLetter } from "../../grading/options.ts";
import {
  type Annotated,
  annotatedSample,
  checkedAnnotation,
  LETTERED_LINES,
  splitLettered,
} from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import {
  type BenchmarkPlugin,
  type BenchmarkSample,
  defineBenchmark,
  type OwnAnswer,
} from "../benchmarks.ts";
import { writeCaptionReference } from "../caption-reference.ts";
import { meanOver, type NamedMetric } from "../metrics.ts";
import { optionLines } from "../prompt.ts";
import type { EvaluationRecord } from "../records.ts";

const item = z.object({ question: z.string(), answer: z.string() });
const file = z.record(z.string(), z.record(z.string(), z.array(item)));
const answered = z.record(
  z.string(),
  z.record(
    z.string(),
    z.array(
      z
        .object({
          ...item.partial().shape,
          prediction: z.unknown().optional(),
          response: z.unknown().optional(),
        })
        .refine((one) => "prediction" in one || "response" in one),
    ),
  ),
);

/** The video that an edited one (reversed, joined with another) was made of, where the file has it. */
const originalOf = (video: string, videos: ReadonlySet<string>): string => {
  const original = video.replace(/_(?:reverse|concat_\d+|[^_]+_\d+)$/, "");
  return videos.has(original) ? original : video;
};

const tasks = ["multi-choice", "yes_no", "caption_matching", "captioning"] as const;
type Task = (typeof tasks)[number];

const matchedLines = (question: string): readonly string[] | null => {
  const lines = question.split("\n").filter((line) => /^(?:Caption|Option|Sentence) \S+: /.test(line));
  return labelledOptions(lines) === null ? null : lines;
};

/** A file does not say which task it is of, its questions do. */
const taskOf = ({ question, answer }: z.output<typeof item>): Task => {
  if (/^(?:yes|no)$/.test(answer)) return "yes_no";
  if (/\nGenerated Caption:\s*$/.test(question)) return "captioning";
  return matchedLines(question) === null ? "multi-choice" : "caption_matching";
};

/** Multiple choice came first and keeps the plain names. */
const named = (task: Task, name: string): string => (task === "multi-choice" ? name : `${task}/${name}`);

const taskNamed = (name: string): Task => tasks.find((task) => name.startsWith(`${task}/`)) ?? "multi-choice";

const idOf = (task: Task, video: string, aspect: string, at: number): string =>
  named(task, `${video}/${aspect}/${at}`);

/** The questions by which captions are judged: the first multiple-choice one of a video's aspect. */
type CaptionQuestions = (video: string, aspect: string) => z.output<typeof item> | undefined;

const NOT_JUDGED =
  "captioning: scored by a language model that reads the caption, with judged=true (not scored)";
const NOT_SCORED = "the reference is none of the options (not scored)";

/** What is asked and what is right, by task. */
const referenceOf = (
  task: Task,
  { question, answer }: z.output<typeof item>,
  judgedBy: z.output<typeof item> | undefined,
): Pick<Annotated, "question" | "answer" | "answerKind" | "options" | "irregular"> => {
  if (task === "yes_no") return { question, answer, answerKind: "choice", options: ["yes", "no"] };
  if (task === "captioning")
    return {
      question,
      answer: judgedBy === undefined ? null : writeCaptionReference(judgedBy),
      answerKind: "open",
      irregular: judgedBy === undefined ? [NOT_JUDGED] : [],
    };
  if (task === "caption_matching") {
    const options = matchedLines(question)!;
    const right = options.includes(answer.trim());
    return {
      question,
      answer: right ? answer.trim() : null,
      answerKind: "choice",
      options,
      irregular: right ? [] : [NOT_SCORED],
    };
  }
  const split = splitLettered(question, LETTERED_LINES);
  if (split === null) {
    const irregular = ["no lettered options (taken as an open question)"];
    return { question, answer, answerKind: "open", irregular };
  }
  const right = split.options.findIndex((text, i) => answer.trim() === `${optionLetter(i)}. ${text}`);
  return {
    question: split.stem,
    answer: right < 0 ? null : optionLetter(right),
    answerKind: "choice",
    options: split.options,
    irregular: right < 0 ? [NOT_SCORED] : [],
  };
};

/** A question as its file has it. */
const asked = (sample: BenchmarkSample): string =>
  taskNamed(sample.id) === "multi-choice" && sample.options !== undefined
    ? `${questionText(sample)}\n${optionLines(sample)}`
    : questionText(sample);

const endings: Readonly<Record<Task, string>> = {
  "multi-choice": "\nPlease directly give the best option:",
  yes_no: "\nPlease answer yes or no:",
  caption_matching: "\nPlease directly give the best option:",
  captioning: "",
};

const taskAverage: NamedMetric = {
  name: "task-average",
  summary: "mean of the accuracies of the tasks that were scored",
  value: (records) => {
    const byTask = Map.groupBy(records, ({ questionId }: EvaluationRecord) => taskNamed(questionId));
    const means = [...byTask.values()].map((rows) => meanOver(rows, ({ correct }) => (correct ? 1 : 0))!);
    return means.length === 0 ? null : means.reduce((sum, one) => sum + one, 0) / means.length;
  },
};

const readPredictions = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = answered.safeParse(value);
  if (!parsed.success) return undefined;
  const ofFile = tasks.findLast((task) => basename(where).includes(task)) ?? "multi-choice";
  return Object.entries(parsed.data).flatMap(([video, aspects]) =>
    Object.entries(aspects).flatMap(([aspect, items]) =>
      items.map(({ question, answer, prediction, response }, at) => {
        const isFull = question !== undefined && answer !== undefined;
        const id = idOf(isFull ? taskOf({ question, answer }) : ofFile, video, aspect, at);
        const asked = question === undefined ? {} : { question };
        return { id, answer: prediction ?? response, where: `${where}, ${id}`, ...asked };
      }),
    ),
  );
};

const readQuestions = (one: string): z.output<typeof file> =>
  checkedAnnotation(
    file,
    readJsonFile(one),
    one,
    'an object {"<video>": {"<aspect>": [{"question", "answer"}]}}',
  );

/** @throws {DataFormatError} when the multiple-choice questions are not beside the captions' */
const captionQuestions = (captions: string): CaptionQuestions => {
  const videos = readQuestions(join(dirname(captions), "multi-choice.json"));
  return (video, aspect) => videos[video]?.[aspect]?.[0];
};

/**
 * TempCompass: multiple choice, yes or no, caption matching; captioning is scored with `judged` and the scorer
 * `tempcompass`, by `multi-choice.json` beside it, else read, named and not scored. Questions are named
 * `1034419625/action/0`, those of the other tasks `yes_no/1034419625/action/0`; videos made of one video are one cluster.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "TempCompass on five temporal aspects: multiple choice, yes or no, caption matching",
  source: "llyx97/TempCompass@e1b4631, without its language model (--disable_llm)",
  params: z.strictObject({
    judged: z
      .boolean()
      .default(false)
      .describe("captions are right when the scorer tempcompass says so, by multi-choice.json beside them"),
  }),
  create: ({ judged }) => ({
    ...(judged ? { judgedBy: { scorer: "tempcompass", part: "score" } } : {}),
    officialRule: "tempcompass",
    verified:
      "multiple choice only, by published ratings of Video-LLaVA: action 76.0, direction 35.2, speed 35.6, order 37.7, attribute_change 41.0, average 45.6",
    metrics: ["accuracy", "macro-accuracy", taskAverage],
    prompt: (sample) => ({ text: `${asked(sample)}${endings[taskNamed(sample.id)]}` }),
    ownLayout: { files: new RegExp(`(?:${tasks.join("|")}).*\\.json$`), read: readPredictions, asked },
    samples: async (path) =>
      filesAt(path, new RegExp(`^(?:${tasks.join("|")})\\.json$`), "questions of TempCompass").flatMap(
        (one) => {
          const videos = readQuestions(one);
          const asked = Object.values(videos).flatMap((aspects) => Object.values(aspects).flat());
          const hasCaptions = judged && asked.some((item) => taskOf(item) === "captioning");
          const judgedBy = hasCaptions ? captionQuestions(one) : () => undefined;
          const names = new Set(Object.keys(videos));
          return Object.entries(videos).flatMap(([video, aspects]) =>
            Object.entries(aspects).flatMap(([aspect, items]) =>
              items.map((one, at) => {
                const task = taskOf(one);
                return annotatedSample("tempcompass", {
                  id: idOf(task, video, aspect, at),
                  video: `${video}.mp4`,
                  cluster: originalOf(video, names),
                  skill: named(task, aspect),
                  ...referenceOf(task, one, judgedBy(video, aspect)),
                });
              }),
            ),
          );
        },
      ),
  }),
});
export default plugin;
