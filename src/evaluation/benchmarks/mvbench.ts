import { basename } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";

const file = z.array(
  z.object({
    video: z.string(),
    question: z.string(),
    candidates: z.array(z.string()).min(2),
    answer: z.string(),
  }),
);

/**
 * MVBench from one JSON file a task, or a folder of them; also anything in its layout, such as TVBench. Questions are
 * named `action_sequence/0` by file and position.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "MVBench and benchmarks in its layout, one file a task",
  source:
    "OpenGVLab/Ask-Anything@4dd8210; official mode counts an empty answer as right unless it is missing",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "mvbench",
    metrics: ["accuracy", "macro-accuracy"],
    samples: async (path) =>
      filesAt(path, /\.json$/, "questions of MVBench").flatMap((one) => {
        const task = basename(one, ".json");
        return checkedAnnotation(
          file,
          readJsonFile(one),
          one,
          'a list of {"video", "question", "candidates", "answer"}',
        ).map(({ video, question, candidates, answer }, at) => {
          const right = candidates.indexOf(answer);
          return annotatedSample("mvbench", {
            id: `${task}/${at}`,
            video,
            question,
            answer: right < 0 ? null : optionLetter(right),
            answerKind: "choice",
            options: candidates,
            skill: task,
            irregular: right < 0 ? ["the reference is none of the options (not scored)"] : [],
          });
        });
      }),
  }),
});
export default plugin;
