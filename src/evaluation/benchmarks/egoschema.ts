import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { optionLetter } from "../../grading/options.ts";
import {
  annotatedSample,
  checkedAnnotation,
  letterOfNumber,
  lettersOnly,
  WITHOUT_TEXTS,
} from "../annotation.ts";
import { type BenchmarkPlugin, defineBenchmark, type OwnAnswer } from "../benchmarks.ts";

const file = z.record(z.string(), z.number().int());

const submitted = z.object({ q_uid: z.string(), answer: z.unknown() });
const submission = z.union([
  z.array(submitted),
  submitted.transform((one) => [one]),
  z
    .record(z.string(), z.int().nullable())
    .transform((answers) => Object.entries(answers).map(([q_uid, answer]) => ({ q_uid, answer }))),
]);

/** What is submitted to EgoSchema: numbers of options from 0, by `q_uid`. What is no such number stays as it is. */
const readSubmission = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const { data } = submission.safeParse(value);
  return data?.map(({ q_uid, answer }) => ({ id: q_uid, answer: letterOfNumber(answer, 5), where }));
};

/** EgoSchema's public answers: numbers of options by question. The questions themselves are another file. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "EgoSchema's public subset, answers by letter",
  source: "egoschema/EgoSchema@505c787, subset_answers.json",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy"],
    ownLayout: { files: /\.(?:json|csv)$/, read: readSubmission },
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
