import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonRows } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import { questionText } from "../../dataset/question.ts";
import { optionLetter } from "../../grading/options.ts";
import { LETTERED_LINES, splitLettered } from "../annotation.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";
import { optionLines } from "../prompt.ts";

const row = z.object({
  question_type: z.union([z.string(), z.array(z.string()).length(1)]),
  key: z.string().optional(),
  video_path: z.string(),
  qa: z.array(z.object({ uid: z.string().min(1), question: z.string(), answer: z.string() })),
});

/** The questions about one video. */
const samplesOf = (value: unknown, where: string): BenchmarkSample[] => {
  const parsed = row.safeParse(value);
  if (!parsed.success)
    throw new DataFormatError("not a MotionBench video", {
      where,
      expected: 'lines {"question_type": ..., "video_path": ..., "qa": [{"uid", "question", "answer"}]}',
      got: explainZod(parsed.error),
    });
  const { question_type, key, video_path, qa } = parsed.data;
  return qa.map(({ uid, question, answer }) => {
    const split = splitLettered(question, LETTERED_LINES);
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
    return {
      id: uid,
      clip: { file: video_path },
      ...(key === undefined ? {} : { cluster: key }),
      messages: [
        {
          role: "user",
          content: [
            { type: "video", video: video_path },
            { type: "text", text: split.stem },
          ],
        },
      ],
      answer: known ? answer : null,
      answerKind: "choice",
      options: split.options,
      skill: typeof question_type === "string" ? question_type : question_type[0]!,
      provenance: { source: "motionbench" },
    };
  });
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
    metrics: ["accuracy", "macro-accuracy"],
    // The authors publish no prompt; this is lmms-eval's.
    prompt: (sample) => ({
      text: `${questionText(sample)}\n${optionLines(sample)}\nAnswer with only the option letter (A, B, C, D, E, or F).`,
      maxNewTokens: 64,
    }),
    samples: async (path) => {
      const samples: BenchmarkSample[] = [];
      for await (const { value, where } of readJsonRows(path)) samples.push(...samplesOf(value, where));
      return samples;
    },
  }),
});
export default plugin;
