import { z } from "zod";
import { defineEngine, type EnginePlugin } from "../engine-plugin.ts";
import { defaultEngine } from "../engines.ts";
import { openLoopback } from "./open.ts";

const loopback: EnginePlugin = defineEngine({
  summary: "another process of this machine that speaks the wire format and holds an engine of ours",
  source: "ours",
  params: z.strictObject({
    engine: z.string().default(defaultEngine).describe("the engine that the other process holds"),
    mediaBytes: z.number().min(0).default(4e9).describe("most bytes of patches that the other process keeps"),
    deadlineSeconds: z
      .number()
      .positive()
      .optional()
      .describe("longest time of a call that names none of its own; then the engine is lost"),
  }),
  create: ({ engine, mediaBytes, deadlineSeconds }) => ({
    open: async (request) => {
      const limit = deadlineSeconds === undefined ? {} : { deadlineSeconds };
      return openLoopback({ ...request, engine, mediaBytes, ...limit });
    },
  }),
});

export default loopback;
