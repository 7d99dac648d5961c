import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataFormatError, messageOf } from "../../core/errors.ts";
import { readJsonLines } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import { type BenchmarkPlugin, type BenchmarkQuestion, defineBenchmark } from "../benchmarks.ts";

const row = z.object({
  id: z.string().min(1),
  clip: z.object({ sha256: z.string().min(1) }),
  messages: z.array(
    z.object({
      role: z.string(),
      content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
    }),
  ),
  answer: z.string().min(1),
  answerKind: z.enum(["choice", "number", "span", "permutation", "index-set", "open"]),
  options: z.array(z.string()).min(2).optional(),
  skill: z.string().optional(),
});

/** The sample files of a data set folder, or the one file that was named. */
const sampleFiles = (path: string): string[] => {
  try {
    if (!statSync(path).isDirectory()) return [path];
  } catch (error) {
    throw new DataFormatError("cannot read the data set", {
      where: path,
      got: messageOf(error),
      cause: error,
    });
  }
  const files = readdirSync(path)
    .filter((file) => /^samples.*\.jsonl$/.test(file))
    .sort();
  if (files.length === 0)
    throw new DataFormatError("no samples in the data set folder", {
      where: path,
      expected: "samples-*.jsonl",
    });
  return files.map((file) => join(path, file));
};

/** Any data set of ours as a benchmark: the scripted world's held-out questions, or a person's own. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "questions of a data set folder, such as the scripted world's",
  source: "ours",
  params: z.strictObject({
    skills: z.array(z.string()).default([]).describe("only these skills; none: all"),
  }),
  create: ({ skills }) => ({
    officialRule: null,
    questions: async (path) => {
      const questions: BenchmarkQuestion[] = [];
      for (const file of sampleFiles(path)) {
        let line = 0;
        for await (const value of readJsonLines(file)) {
          line++;
          const parsed = row.safeParse(value);
          if (!parsed.success)
            throw new DataFormatError("not a sample", {
              where: `${file}, sample ${line}`,
              got: explainZod(parsed.error),
            });
          const { id, clip, messages, answer, answerKind, options, skill = "all" } = parsed.data;
          if (skills.length > 0 && !skills.includes(skill)) continue;
          questions.push({
            id,
            videoId: clip.sha256,
            skill,
            question: messages
              .filter(({ role }) => role === "user")
              .flatMap(({ content }) => content.flatMap(({ text }) => text ?? []))
              .join("\n"),
            answerKind,
            answer,
            ...(options === undefined ? {} : { options }),
          });
        }
      }
      return questions;
    },
  }),
});
export default plugin;
