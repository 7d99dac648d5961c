import { z } from "zod";
import { readCsvRows } from "../../core/csv.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, letterOfNumber } from "../annotation.ts";
import { type BenchmarkPlugin, defineBenchmark, type OwnAnswer } from "../benchmarks.ts";

const columns = ["video_id", "question", "answer", "qid", "type", "a0", "a1", "a2", "a3", "a4"];
const families: Readonly<Record<string, string>> = { C: "causal", T: "temporal", D: "descriptive" };

const results = z.record(z.string(), z.object({ prediction: z.unknown(), answer: z.int() }));

/** Results as NExT-QA's scripts write them, `{"4010069381_6": {"prediction": 0, "answer": 3}}`: options numbered from 0. */
const readResults = (value: unknown, where: string): readonly OwnAnswer[] | undefined =>
  Object.entries(results.safeParse(value).data ?? {}).map(([id, { prediction }]) => ({
    id,
    answer: letterOfNumber(prediction, 5),
    where: `${where}, ${id}`,
  }));

/**
 * NExT-QA's multiple choice. The answer is the text or the number of an option. Questions are named
 * `4010069381_6`, video and question.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "NExT-QA, causal, temporal and descriptive questions with five options",
  source: "file of doc-doc/NExT-GQA@63772e0",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy", "macro-accuracy"],
    ownLayout: { files: /\.json$/, read: readResults },
    samples: async (path) =>
      readCsvRows(path, columns).map(({ fields }) => {
        const options = [0, 1, 2, 3, 4].map((at) => fields[`a${at}`]!);
        const answer = fields["answer"]!;
        const named = options.indexOf(answer);
        const right = named < 0 && /^[0-4]$/.test(answer) ? Number(answer) : named;
        const type = fields["type"]!;
        const twice = new Set(options).size < options.length;
        return annotatedSample("next-qa", {
          id: `${fields["video_id"]}_${fields["qid"]}`,
          video: `${fields["video_id"]}.mp4`,
          question: fields["question"]!,
          answer: right < 0 ? null : optionLetter(right),
          answerKind: "choice",
          options,
          skill: families[type.slice(0, 1)] ?? type,
          irregular: [
            ...(right < 0 ? ["the reference is none of the options (not scored)"] : []),
            ...(twice ? ["the same option twice (the first is the reference)"] : []),
          ],
        });
      }),
  }),
});
export default plugin;
