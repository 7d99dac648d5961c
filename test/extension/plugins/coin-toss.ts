import { type BenchmarkPlugin, defineBenchmark, z } from "videoperceiver/plugins";

const coinToss: BenchmarkPlugin = defineBenchmark({
  summary: "heads or tails, over and over",
  source: "ours",
  params: z.strictObject({ questions: z.int().min(1).default(4).describe("questions, one a clip") }),
  create: ({ questions }) => ({
    officialRule: null,
    questions: async (place) =>
      Array.from({ length: questions }, (_, at) => ({
        id: `${place}-${at}`,
        videoId: `clip-${at}`,
        skill: "luck",
        question: "Heads or tails?",
        answerKind: "choice" as const,
        answer: "A",
        options: ["heads", "tails"],
      })),
  }),
});

export default coinToss;
