import { basename } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";

const file = z.record(
  z.string(),
  z.object({
    question: z.string(),
    options: z.array(z.string()).min(2),
    answer: z.number().int(),
    key: z.string(),
    motion_type: z.string(),
    demonstration_type: z.string(),
  }),
);

/** TOMATO from one file a motion type, or a folder of them. Questions are named `count/0`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "TOMATO, counts, directions and rotations that need several frames",
  source:
    "yale-nlp/TOMATO@fe2025f; its own scoring asks a language model and then guesses, so there is no official mode",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy", "macro-accuracy"],
    samples: async (path) =>
      filesAt(path, /\.json$/, "questions of TOMATO").flatMap((one) =>
        Object.entries(
          checkedAnnotation(
            file,
            readJsonFile(one),
            one,
            'an object {"0": {"question", "options", "answer": index, "key", "motion_type"}}',
          ),
        ).map(([id, { question, options, answer, key, motion_type, demonstration_type }]) => {
          const known = answer >= 0 && answer < options.length;
          return annotatedSample("tomato", {
            id: `${basename(one, ".json")}/${id}`,
            video: `${demonstration_type}/${key}.mp4`,
            question,
            answer: known ? optionLetter(answer) : null,
            answerKind: "choice",
            options,
            skill: motion_type,
            irregular: known ? [] : ["the reference is none of the options (not scored)"],
          });
        }),
      ),
  }),
});
export default plugin;
