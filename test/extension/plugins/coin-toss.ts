import { type BenchmarkPlugin, defineBenchmark, z } from "videoperceiver/plugins";

const coinToss: BenchmarkPlugin = defineBenchmark({
  summary: "heads or tails, over and over",
  source: "ours",
  params: z.strictObject({ questions: z.int().min(1).default(4).describe("questions, one a clip") }),
  create: ({ questions }) => ({
    metrics: [
      "accuracy",
      {
        name: "share-of-heads",
        summary: "how often heads was said, right or wrong",
        value: (records) =>
          records.filter(({ parsedAnswer }) => parsedAnswer === "A").length / records.length,
      },
    ],
    samples: async (place) =>
      Array.from({ length: questions }, (_, at) => ({
        id: `${place}-${at}`,
        clip: { file: `clip-${at}.mp4` },
        messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "Heads or tails?" }] }],
        skill: "luck",
        answerKind: "choice" as const,
        answer: "A",
        options: ["heads", "tails"],
        provenance: {},
      })),
  }),
});

export default coinToss;
