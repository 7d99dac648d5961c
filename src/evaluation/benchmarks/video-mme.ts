import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonFile, readJsonRows } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import {
  type BenchmarkPlugin,
  type BenchmarkSample,
  defineBenchmark,
  type OwnAnswer,
} from "../benchmarks.ts";
import { optionLines } from "../prompt.ts";

const row = z.object({
  video_id: z.coerce.string(),
  videoID: z.string().optional(),
  duration: z.string().optional(),
  question_id: z.string().min(1),
  task_type: z.string().optional(),
  question: z.string(),
  options: z.array(z.string()).min(2),
  answer: z.string(),
});
const video = z.object({
  video_id: z.coerce.string(),
  duration: z.string().optional(),
  questions: z.array(row.omit({ video_id: true }).partial({ question: true, options: true })),
});
const expected =
  '{"video_id", "question_id", "question", "options": ["A. ..."], "answer"}, or videos with "questions"';

/** Texts behind "A. "; an option without its letter stays as it is and is named. */
const optionsOf = (written: readonly string[]): { readonly options: string[]; readonly odd: boolean } => {
  const marks = written.map((text) => /^\s*([A-Z])[.)]\s*(.*)$/s.exec(text));
  const fits = marks.every((mark, at) => mark?.[1] === optionLetter(at));
  return fits
    ? { options: marks.map((mark) => mark![2]!.trim()), odd: false }
    : { options: written.map((text) => text.trim()), odd: true };
};

const sampleOf = (one: z.output<typeof row>): BenchmarkSample => {
  const { options, odd } = optionsOf(one.options);
  const at = one.answer.trim().charCodeAt(0) - 65;
  const known = one.answer.trim().length === 1 && at >= 0 && at < options.length;
  const name = one.videoID ?? one.video_id;
  return annotatedSample("video-mme", {
    id: one.question_id,
    video: `${name}.mp4`,
    cluster: name,
    question: one.question,
    answer: known ? one.answer.trim() : null,
    answerKind: "choice",
    options,
    skill: one.task_type ?? one.duration ?? "all",
    ...(one.duration === undefined ? {} : { split: one.duration }),
    irregular: [
      ...(odd ? ["options without letters in front"] : []),
      ...(known ? [] : ["the reference is none of the options (not scored)"]),
    ],
  });
};

/** The questions of one document: rows, or videos with their questions. */
const rowsOf = (value: unknown, where: string): z.output<typeof row>[] => {
  const list = Array.isArray(value) ? value : [value];
  return list.flatMap((one: unknown, at) => {
    const place = `${where}, row ${at + 1}`;
    const isVideo = typeof one === "object" && one !== null && "questions" in one;
    if (!isVideo) return [checkedAnnotation(row, one, place, expected)];
    const { questions, ...about } = checkedAnnotation(video, one, place, expected);
    return questions.map((question) => checkedAnnotation(row, { ...about, ...question }, place, expected));
  });
};

const answered = z.array(
  z.object({
    questions: z.array(
      z.object({ question_id: z.string(), response: z.unknown() }).refine((one) => "response" in one),
    ),
  }),
);

const readResults = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = answered.safeParse(value);
  return parsed.success
    ? parsed.data.flatMap(({ questions }) =>
        questions.map(({ question_id: id, response: answer }) => ({ id, answer, where: `${where}, ${id}` })),
      )
    : undefined;
};

/** Video-MME without subtitles, from rows as they are published or from an official result file. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "Video-MME without subtitles, by task type; parts short, medium, long",
  source: "MME-Benchmarks/Video-MME@06c2315; reading as open-compass/VLMEvalKit@e8e78f0",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "video-mme",
    metrics: ["accuracy", "macro-accuracy"],
    ownLayout: { files: /\.json$/, read: readResults },
    prompt: (sample) => ({
      text: `Select the best answer to the following multiple-choice question based on the video. Respond with only the letter (A, B, C, or D) of the correct option.\n${questionText(sample)}\n${optionLines(sample)}\nThe best answer is:`,
    }),
    samples: async (path) => {
      const samples: BenchmarkSample[] = [];
      for (const file of filesAt(path, /\.jsonl?$/, "questions of Video-MME"))
        if (file.endsWith(".jsonl"))
          for await (const { value, where } of readJsonRows(file))
            samples.push(...rowsOf(value, where).map(sampleOf));
        else samples.push(...rowsOf(readJsonFile(file), file).map(sampleOf));
      if (samples.length === 0)
        throw new DataFormatError("no questions of Video-MME", { where: path, expected });
      return samples;
    },
  }),
});
export default plugin;
