import { basename } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../../core/files.ts";
import { questionText } from "../../dataset/question.ts";
import { optionLetter } from "../../grading/options.ts";
import { annotatedSample, checkedAnnotation } from "../annotation.ts";
import { filesAt } from "../annotation-files.ts";
import { type BenchmarkPlugin, type BenchmarkSample, defineBenchmark } from "../benchmarks.ts";

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

/** A text between quotation marks as Python prints it. */
const quoted = (text: string): string => {
  const plain = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return plain.includes("'") && !plain.includes('"') ? `"${plain}"` : `'${plain.replaceAll("'", "\\'")}'`;
};

/** The question as TOMATO asks it, but for the number of frames, which it tells and we do not know here. */
const promptText = (sample: BenchmarkSample): string => {
  const options = (sample.options ?? []).map((text, at) => `${quoted(optionLetter(at))}: ${quoted(text)}`);
  return `You will be provided with separate frames uniformly sampled from a video, the frames are provided in chronological order of the video. Analyze these frames and provide the answer to the question about the video content. Answer the multiple-choice question about the video content. 

You must use these frames to answer the multiple-choice question; do not rely on any externel knowledge or commonsense. 

<question> 
${questionText(sample)} 
</question>

<options> 
{${options.join(", ")}} 
</options>

Even if the information in these separate frames is not enough to answer the question, PLEASE TRY YOUR BEST TO GUESS AN ANSWER WHICH YOU THINK WOULD BE THE MOST POSSIBLE ONE BASED ON THE QUESTION. 

DO NOT GENERATE ANSWER SUCH AS 'NOT POSSIBLE TO DETERMINE.' 
`;
};

/** TOMATO from one file a motion type, or a folder of them. Questions are named `count/0`. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "TOMATO, counts, directions and rotations that need several frames",
  source:
    "yale-nlp/TOMATO@fe2025f; its own scoring asks a language model and then guesses, so there is no official mode",
  params: z.strictObject({}),
  create: () => ({
    metrics: ["accuracy", "macro-accuracy"],
    prompt: (sample) => ({ text: promptText(sample) }),
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
