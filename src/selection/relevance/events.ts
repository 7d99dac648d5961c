import { z } from "zod";
import { ConfigError } from "../../core/errors.ts";
import { defineRelevance, type RelevanceDefinition } from "../relevance.ts";

const version = "1";

const span = z.object({
  startSeconds: z.number(),
  endSeconds: z.number(),
});

const params = z.strictObject({
  spans: z.array(span).optional().describe("decisive spans, half-open, seconds from the first frame"),
  ranges: z.string().optional().describe('the same as text: "1.2-1.6,3-3.4"'),
});

const parsedRanges = (text: string): { startSeconds: number; endSeconds: number }[] =>
  text.split(",").map((part) => {
    const match = /^\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*$/.exec(part);
    if (match === null || Number(match[2]) <= Number(match[1]))
      throw new ConfigError("bad spans for relevance events", {
        expected: 'start-end in seconds, e.g. "1.2-1.6,3-3.4"',
        got: part,
      });
    return { startSeconds: Number(match[1]), endSeconds: Number(match[2]) };
  });

/** Spans that are known: the upper bound for every provider, and the scripted world's truth. */
const events: RelevanceDefinition = defineRelevance({
  summary: "given decisive spans (--relevance events:1.2-1.6,3-3.4); highest in the middle of each",
  source: "ours",
  params,
  version,
  unit: "how near the middle of a given span: 0 outside, 0.5 at its borders, 1 in the middle",
  costPerFrame: "nothing; frames are not looked at",
  inputPixels: 16,
  resizer: "zscale",
  keyFrameRule: {},
  usesText: false,
  argument: "ranges",
  create: ({ spans, ranges }) => ({
    version: () => version,
    knownSpans: (context) => spans ?? (ranges === undefined ? context.spans : parsedRanges(ranges)),
    score: async ({ timeline, context }) => {
      const given = spans ?? (ranges === undefined ? context.spans : parsedRanges(ranges));
      if (given === undefined)
        throw new ConfigError("relevance events needs spans", {
          hint: "give --relevance events:start-end,...",
        });
      return Float64Array.from(timeline, ({ timeSeconds }) => {
        let score = 0;
        for (const { startSeconds, endSeconds } of given) {
          if (timeSeconds < startSeconds || timeSeconds >= endSeconds) continue;
          const middle = (startSeconds + endSeconds) / 2;
          const distance = Math.abs(timeSeconds - middle) / (endSeconds - startSeconds);
          score = Math.max(score, 1 - distance);
        }
        return score;
      });
    },
  }),
});

export default events;
