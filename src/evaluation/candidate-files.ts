import { basename } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../core/files.ts";
import { optionLetter } from "../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "./annotation.ts";
import { filesAt } from "./annotation-files.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

const file = z.array(
  z.object({
    video: z.string(),
    question: z.string(),
    candidates: z.array(z.string()).min(2),
    answer: z.string(),
    start: z.number().nullish(),
    end: z.number().nullish(),
  }),
);

/**
 * The samples of MVBench's layout: one JSON file a task, the answer as an option's text, questions named
 * `action_sequence/0` by file and position. `start` and `end` are the stretch that the question is about.
 */
export const candidateSamples = async (source: string, path: string): Promise<BenchmarkSample[]> =>
  filesAt(path, /\.json$/, `questions of ${source}`).flatMap((one) => {
    const task = basename(one).replace(/\.jsonl?$/, "");
    const rows = checkedAnnotation(
      file,
      readJsonFile(one),
      one,
      'a list of {"video", "question", "candidates", "answer"}',
    );
    return rows.map(({ video, question, candidates, answer, start, end }, at) => {
      const right = candidates.indexOf(answer);
      const hasTimes = typeof start === "number" && typeof end === "number";
      const isPart = hasTimes && end > start;
      return {
        ...annotatedSample(source, {
          id: `${task}/${at}`,
          video,
          question,
          answer: right < 0 ? null : optionLetter(right),
          answerKind: "choice",
          options: candidates,
          skill: task,
          irregular: [
            ...(right < 0 ? ["the reference is none of the options (not scored)"] : []),
            ...(hasTimes && !isPart ? ["start is not before end (the whole clip is shown)"] : []),
          ],
        }),
        ...(isPart && { range: { startSeconds: start, endSeconds: end } }),
      };
    });
  });
