import { z } from "zod";
import { askJson } from "../../core/ask-json.ts";
import { defineScorer, type ScorerPlugin } from "../scorer.ts";
import { readScorerAnswer, readScorerInfo, scorerRequest } from "../scorer-protocol.ts";

/** Any model behind the protocol of docs/scorers.md: COMET, an inference model, SPICE. */
const plugin: ScorerPlugin = defineScorer({
  summary: "a server that gives texts numbers (http:http://127.0.0.1:8767)",
  source: "ours: docs/scorers.md",
  argument: "url",
  params: z.strictObject({
    url: z.string().default("http://127.0.0.1:8767").describe("address of the server"),
    timeoutSeconds: z.number().positive().default(120).describe("time for one request"),
    attempts: z.int().min(1).default(3).describe("tries a request while the server is busy or fails"),
    batchSize: z.int().min(1).default(16).describe("texts of a request"),
    concurrency: z.int().min(1).default(2).describe("requests at the same time"),
  }),
  create:
    (settings) =>
    async ({ signal }) => {
      const server = {
        what: "scorer",
        hint: "start the server; docs/scorers.md says what it must answer",
        ...settings,
      };
      const info = readScorerInfo(await askJson(server, "/info", undefined, signal), `${settings.url}/info`);
      const { batchSize, concurrency } = settings;
      return {
        ...info,
        batchSize,
        concurrency,
        score: async (items, stop) =>
          readScorerAnswer(
            await askJson(server, "/score", scorerRequest(items), stop),
            items.length,
            info.parts,
            `${settings.url}/score`,
          ),
        [Symbol.asyncDispose]: async () => {},
      };
    },
});
export default plugin;
