import { z } from "zod";
import { ConfigError } from "../../core/errors.ts";
import type { FrameTextScorer } from "../frame-text-scorer.ts";
import { defineRelevance, type RelevanceDefinition } from "../relevance.ts";
import { scoredInPieces } from "../scored-pieces.ts";

const version = "1";

const params = z.strictObject({
  folder: z.string().min(1).optional().describe("folder of a dual encoder that videoperceiver trained"),
});

/** Our own frame-text encoders, opened by whoever knows models. */
const checkpoint: RelevanceDefinition = defineRelevance({
  summary: "our own dual encoder (--relevance checkpoint:DIR)",
  source: "VideoPerceiver (arXiv 2511.18823), eq. 1: cosine of a frame and the pooled keywords",
  params,
  version,
  unit: "how alike picture and keywords are: cosine, -1 to 1",
  costPerFrame: "one forward pass of the checkpoint's image tower",
  inputPixels: 256,
  resizer: "pillow",
  keyFrameRule: {},
  usesText: true,
  remembers: false,
  argument: "folder",
  create: ({ folder }) => {
    let scorer: Promise<FrameTextScorer> | undefined;
    let weights = "unopened";
    return {
      version: () => `${version}/${weights}`,
      score: async (request) => {
        const { openScorer } = request.context;
        if (folder === undefined || openScorer === undefined)
          throw new ConfigError("relevance checkpoint needs a folder", {
            hint: "give --relevance checkpoint:DIR",
          });
        if (request.keywords.length === 0)
          throw new ConfigError("relevance checkpoint needs keywords", { hint: "give --keywords a,b" });
        scorer ??= openScorer(folder);
        const open = await scorer;
        weights = open.version;
        return scoredInPieces(request, (batch) => open.scoreFrames(batch, request.keywords), open.reach);
      },
      close: async () => {
        await (await scorer)?.close();
      },
    };
  },
});

export default checkpoint;
