import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import {
  annotatedSample,
  checkedAnnotation,
  type LetteredQuestion,
  lettersOnly,
  splitLettered,
  WITHOUT_TEXTS,
} from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import {
  type BenchmarkPlugin,
  type BenchmarkSample,
  defineBenchmark,
  type OwnAnswer,
} from "../benchmarks.ts";
import { optionLines } from "../prompt.ts";

const question = z.union([
  z.object({ question: z.string(), options: z.string(), GT: z.string() }),
  z.object({ pred: z.unknown(), GT: z.string() }),
]);
const file = z.record(z.string(), z.record(z.string(), question));
const expected = 'an object {"<video>.mp4": {"<category>": {"question", "options", "GT"}}}';

/** "./VRU_videos/DoTA/VRU_1.mp4" as "DoTA/VRU_1". */
export const vruVideoName = (path: string): string =>
  path.replace(/^(?:\.\/)?(?:VRU_videos\/)?/, "").replace(/\.mp4$/, "");

/** How the options are written nearly everywhere; their texts contain commas, too. */
const REGULAR = /(?:^|, )([A-D])\. /g;
const LOOSE = /(?:^|[\s,;]+)([A-D])[.)]\s*/g;

const isWhole = (split: LetteredQuestion | null): split is LetteredQuestion =>
  split !== null && split.stem === "" && split.options.length === 4;

/** The four options and what is odd about how they are written; letters where they cannot be told apart. */
const optionsOf = (written: string): { readonly options: readonly string[]; readonly odd: string[] } => {
  const regular = splitLettered(written, REGULAR);
  if (isWhole(regular)) {
    const inner = regular.options.some((text) => /[\s.,;][A-D]\. /.test(text));
    return { options: regular.options, odd: inner ? ["a further letter inside an option"] : [] };
  }
  const loose = splitLettered(written, LOOSE);
  return isWhole(loose)
    ? { options: loose.options, odd: ['options that do not split at ", X. " (read by looser marks)'] }
    : { options: lettersOnly(4), odd: ["options that are not four (letters only)"] };
};

const sampleOf = (video: string, category: string, value: z.output<typeof question>): BenchmarkSample => {
  const name = vruVideoName(video);
  const letter = /^[A-D]$/.test(value.GT) ? value.GT : null;
  const { options, odd } =
    "options" in value ? optionsOf(value.options) : { options: lettersOnly(4), odd: [WITHOUT_TEXTS] };
  return annotatedSample("vru-accident", {
    id: `${name}/${category}`,
    video: `${name}.mp4`,
    question: "question" in value ? value.question : category,
    answer: letter,
    answerKind: "choice",
    options,
    skill: category,
    cluster: name,
    irregular: [...odd, ...(letter === null ? ["the reference is none of A-D (not scored)"] : [])],
  });
};

const responses = z.record(z.string(), z.record(z.string(), z.object({ pred: z.unknown() })));

const readResponses = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = responses.safeParse(value);
  if (!parsed.success) return undefined;
  return Object.entries(parsed.data).flatMap(([video, categories]) =>
    Object.entries(categories).map(([category, { pred }]) => {
      const id = `${vruVideoName(video)}/${category}`;
      return { id, answer: pred, where: `${where}, ${id}` };
    }),
  );
};

/**
 * VRU-Accident's multiple-choice questions, from its annotation files or a folder of them. A response file can stand in
 * for a set's annotations: it holds the right letters. Questions are named `DoTA/VRU_1/location`.
 */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "VRU-Accident, traffic accidents in six categories of questions",
  source: "Kimyounggun99/VRU-Accident@c5d84f6",
  params: z.strictObject({}),
  create: () => ({
    officialRule: "vru-accident",
    verified:
      "published accuracies of Qwen25_VL, 638, 721, 394, 473, 256 and 447 of 1000 (official scoring of the four response files)",
    metrics: ["accuracy", "macro-accuracy"],
    prompt: (sample) => ({
      text: `${questionText(sample)} ${optionLines(sample).replaceAll("\n", ", ")}`,
      textFirst: true,
      maxNewTokens: 10,
    }),
    ownLayout: { files: /VQA_response\.json$/, read: readResponses, officialRule: "vru-accident-response" },
    samples: async (path) =>
      filesAt(path, /VQA_(?:annotation|response)\.json$/, "questions of VRU-Accident").flatMap((one) => {
        const videos = checkedAnnotation(file, readJsonFile(one), one, expected);
        return Object.entries(videos).flatMap(([video, categories]) =>
          Object.entries(categories).map(([category, value]) => sampleOf(video, category, value)),
        );
      }),
  }),
});
export default plugin;
