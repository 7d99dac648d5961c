import { defineRelevance, type RelevanceDefinition, relevanceProviders, z } from "videoperceiver/plugins";

const motion = await relevanceProviders.load("motion");

/** Motion, but a clip whose caption has the word ends its process. */
const poison: RelevanceDefinition = defineRelevance({
  ...motion,
  summary: "ends the process for one caption",
  params: z.strictObject({ word: z.string().default("number 3 ").describe("in the caption") }),
  argument: "word",
  usesText: false,
  remembers: false,
  create: ({ word }) => ({
    version: () => "1",
    score: async (request) => {
      if (request.caption.includes(word)) process.kill(process.pid, "SIGKILL");
      return motion.create({ ...motion.params.parse({}) }).score(request);
    },
  }),
});

export default poison;
