import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonLines } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import { optionLetter } from "../../grading/options.ts";
import { type BenchmarkPlugin, type BenchmarkQuestion, defineBenchmark } from "../benchmarks.ts";

const row = z.object({
  question_type: z.union([z.string(), z.array(z.string()).length(1)]),
  key: z.string().optional(),
  video_path: z.string(),
  qa: z.array(z.object({ uid: z.string().min(1), question: z.string(), answer: z.string() })),
});

/** Stem and options of "stem, then lines A. ..., B. ..."; null when the letters do not run from A. */
const splitQuestion = (text: string): { stem: string; options: string[] } | null => {
  const marks = [...text.matchAll(/^[ \t]*([A-Z])[.)][ \t]*/gm)];
  const start = marks.findIndex(
    (mark, i) => mark[1] === "A" && marks.slice(i).every((m, at) => m[1] === optionLetter(at)),
  );
  const run = start < 0 ? [] : marks.slice(start);
  if (run.length < 2) return null;
  return {
    stem: text.slice(0, run[0]!.index).trim(),
    options: run.map((mark, i) =>
      text.slice(mark.index + mark[0].length, run[i + 1]?.index ?? text.length).trim(),
    ),
  };
};

/**
 * MotionBench from its `video_info.meta.jsonl`: one video a line with its questions. Answers "NA" (the test half) are not
 * published; they are counted and never scored. Several clips cut from one source video share a cluster only when their
 * `key` is the same.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "MotionBench, fine-grained motion in six skills, from its annotation file",
  source: "THUDM/MotionBench@dcc9b07; file layout as its scorer and lmms-eval read it",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "motionbench",
    questions: async (path) => {
      const questions: BenchmarkQuestion[] = [];
      const seen = new Set<string>();
      let line = 0;
      for await (const value of readJsonLines(path)) {
        line++;
        const where = `${path}, video ${line}`;
        const parsed = row.safeParse(value);
        if (!parsed.success)
          throw new DataFormatError("not a MotionBench video", { where, got: explainZod(parsed.error) });
        const { question_type, key, video_path, qa } = parsed.data;
        for (const { uid, question, answer } of qa) {
          const split = splitQuestion(question);
          if (split === null)
            throw new DataFormatError("MotionBench question without lettered options", {
              where: `${where}, ${uid}`,
              expected: "lines A. ..., B. ...",
              got: JSON.stringify(question.slice(0, 60)),
            });
          const known = answer !== "NA";
          const at = answer.charCodeAt(0) - 65;
          if (known && (answer.length !== 1 || at < 0 || at >= split.options.length))
            throw new DataFormatError("MotionBench answer is none of its options", {
              where: `${where}, ${uid}`,
              expected: `A-${optionLetter(split.options.length - 1)} or NA`,
              got: JSON.stringify(answer),
            });
          if (seen.has(uid))
            throw new DataFormatError("MotionBench question twice", { where: `${where}, ${uid}` });
          seen.add(uid);
          questions.push({
            id: uid,
            videoId: key ?? video_path,
            skill: typeof question_type === "string" ? question_type : question_type[0]!,
            question: split.stem,
            answerKind: "choice",
            answer: known ? answer : null,
            options: split.options,
          });
        }
      }
      return questions;
    },
  }),
});
export default plugin;
