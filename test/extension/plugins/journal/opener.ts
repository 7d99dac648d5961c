// An engine of one's own: what it is asked stands in a file, line by line; another engine computes.
import { type Engine, openEngine } from "videoperceiver/engine";
import { defineEngine, type EnginePlugin, z } from "videoperceiver/plugins";
import { JournalEngine } from "./engine.ts";

const journal: EnginePlugin = defineEngine({
  summary: "writes down what it is asked",
  source: "ours",
  params: z.strictObject({
    file: z.string().describe("JSON lines: operation, batches, seconds"),
    engine: z.string().default("onnx").describe("what computes"),
  }),
  argument: "file",
  create: ({ file, engine }) => ({
    open: async ({ threads, ...request }) => {
      const opened = await openEngine({ engine, threads }, request);
      const journaled: Engine = new JournalEngine(opened.engine, file);
      return { engine: journaled, warnings: opened.warnings };
    },
  }),
});

export default journal;
