import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readTextFile } from "../../core/files.ts";
import { type BenchmarkPlugin, defineBenchmark, type OwnAnswer } from "../benchmarks.ts";
import { groundedSentence, groundingMetrics, groundingSample } from "../grounding.ts";

const LINE = /^(\S+) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?)##(.+)$/;

const timeChat = z.record(
  z.string(),
  z.object({
    timestamp: z.array(z.array(z.number()).length(2)),
    vid: z.string(),
    query: z.string().optional(),
  }),
);

/** TimeChat's example layout: an object by line number with the spans that were read; none is an empty answer. */
const readTimeChat = (value: unknown, where: string): readonly OwnAnswer[] | undefined => {
  const parsed = timeChat.safeParse(value);
  if (!parsed.success) return undefined;
  return Object.entries(parsed.data).map(([id, { timestamp, query }]) => {
    const [first] = timestamp;
    const asked = query === undefined ? {} : { question: query };
    return { id, answer: first === undefined ? "" : first.join(" - "), where: `${where}, ${id}`, ...asked };
  });
};

/** Charades-STA from its text file. Sentences are named by their line, counted from 0, as TimeChat's predictions are. */
const plugin: BenchmarkPlugin = defineBenchmark({
  summary: "Charades-STA, when a sentence happens in a clip",
  source: "file of microsoft/2D-TAN@2f7410f; predictions as RenShuhuai-Andy/TimeChat@c60b332 writes them",
  params: z.strictObject({}),
  create: () => ({
    metrics: groundingMetrics,
    // TimeChat's, its spelling included; the authors of Charades-STA asked no language model.
    prompt: (sample) => ({
      text: `Please find the visual event described by a sentence in the video, determining its starting and ending times. The format should be: 'The event happens in the start time - end time'. For example, The event 'person turn a light on' happens in the 24.3 - 30.4 seonds. Now I will give you the textual sentence: ${groundedSentence(sample)}. Please return its start time and end time.`,
    }),
    ownLayout: { files: /pred.*\.json$/, read: readTimeChat, asked: groundedSentence },
    samples: async (path) =>
      readTextFile(path)
        .split(/\r\n|[\r\n]/)
        .flatMap((line, at) => {
          if (line.trim() === "") return [];
          const [, video, start, end, sentence] = LINE.exec(line.trim()) ?? [];
          if (video === undefined)
            throw new DataFormatError("not a line of Charades-STA", {
              where: `${path}:${at + 1}`,
              expected: "VIDEO START END##sentence",
              got: line.slice(0, 60),
            });
          const times = { start: Number(start), end: Number(end) };
          return [
            groundingSample("charades-sta", {
              id: String(at),
              video: `${video}.mp4`,
              sentence: sentence!,
              ...times,
            }),
          ];
        }),
  }),
});
export default plugin;
