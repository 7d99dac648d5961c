import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";
import { optionLines } from "../prompt.ts";

const item = z.object({
  id: z.string(),
  question: z.string(),
  options: z.array(z.string()).optional(),
  answer: z.union([z.string(), z.array(z.string())]),
});
const file = z.record(z.string(), z.record(z.string(), item));

const sampleOf = (track: string, value: z.output<typeof item>): BenchmarkSample => {
  const { id, question, options = [] } = value;
  const answer = typeof value.answer === "string" ? value.answer : value.answer.join(", ");
  const isChoice = options.length > 1;
  const at = /^[A-Z]$/.test(answer) ? answer.charCodeAt(0) - 65 : -1;
  const known = at >= 0 && at < options.length;
  return annotatedSample("videommmu", {
    id: `${track}/${id}`,
    video: `${id}.mp4`,
    question,
    answer: !isChoice ? answer : known ? optionLetter(at) : null,
    answerKind: isChoice ? "choice" : "open",
    ...(isChoice ? { options } : {}),
    skill: track,
    irregular: isChoice && !known ? ["the reference is none of the options (not scored)"] : [],
  });
};

/** The question as the authors ask it: of the track "Adaptation" the last picture belongs to it, of the others not. */
const promptText = (sample: BenchmarkSample): string => {
  const asked = [questionText(sample), ...(sample.options === undefined ? [] : [optionLines(sample)])];
  if (sample.skill !== "Adaptation")
    return [...asked, "Please ignore the Quiz question in last frame of the video."].join("\n");
  const form = sample.options === undefined ? "open-ended" : "multi-choice";
  return [
    `You should watch and learn the video content. Then apply what you learned to answer the following ${form} question. The image for this question is at the end of the video.`,
    ...asked,
  ].join("\n");
};

/** VideoMMMU from one file a track, or a folder of them. Questions are named `Perception/dev_Biology_3`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "VideoMMMU, questions on lectures in three tracks, mostly with ten options",
  source: "videommmu/VideoMMMU@103a3a5; macro accuracy is the mean of its tracks",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy", "macro-accuracy"],
    prompt: (sample) => ({ text: promptText(sample), maxNewTokens: 1024 }),
    samples: async (path) =>
      filesAt(path, /\.json$/, "questions of VideoMMMU").flatMap((one) =>
        Object.entries(
          checkedAnnotation(
            file,
            readJsonFile(one),
            one,
            'an object {"<track>": {"0": {"id", "question", "options", "answer"}}}',
          ),
        ).flatMap(([track, items]) => Object.values(items).map((value) => sampleOf(track, value))),
      ),
  }),
});
export default plugin;
