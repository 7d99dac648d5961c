import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation, lettersOnly, WITHOUT_TEXTS } from "../annotation.ts";
import { type BenchmarkPlugin, defineBenchmark } from "../benchmarks.ts";

const file = z.record(z.string(), z.number().int());

/** EgoSchema's public answers: numbers of options by question. The questions themselves are another file. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "EgoSchema's public subset, answers by letter",
  source: "egoschema/EgoSchema@505c787, subset_answers.json",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy"],
    samples: async (path) =>
      Object.entries(
        checkedAnnotation(file, readJsonFile(path), path, 'an object {"<question>": number of the option}'),
      ).map(([id, answer]) => {
        const known = answer >= 0 && answer < 5;
        return annotatedSample("egoschema", {
          id,
          video: `${id}.mp4`,
          question: id,
          answer: known ? optionLetter(answer) : null,
          answerKind: "choice",
          options: lettersOnly(5),
          irregular: [
            WITHOUT_TEXTS,
            ...(known ? [] : ["the reference is none of five options (not scored)"]),
          ],
        });
      }),
  }),
});
export default plugin;
