import { defineRelevance, type RelevanceDefinition, z } from "videoperceiver/plugins";

/** How red a frame is: a provider that somebody else wrote. */
const reddest: RelevanceDefinition = defineRelevance({
  summary: "red minus the mean of green and blue, averaged over the frame",
  source: "a test",
  params: z.strictObject({ gain: z.number().default(1).describe("factor") }),
  version: "1",
  unit: "how red the frame is: levels of red above green and blue, times the gain",
  costPerFrame: "nothing to speak of",
  inputPixels: 48,
  resizer: "zscale",
  keyFrameRule: { topK: 1 },
  usesText: false,
  argument: "gain",
  create: ({ gain }) => ({
    version: () => "1",
    score: async ({ frames, timeline }) => {
      const scores = new Float64Array(timeline.length);
      let at = 0;
      for await (const { pixels, width, height, frames: piece } of frames) {
        const size = width * height * 3;
        for (let frame = 0; frame < piece.length; frame++) {
          let sum = 0;
          for (let i = frame * size; i < (frame + 1) * size; i += 3)
            sum += pixels[i]! - (pixels[i + 1]! + pixels[i + 2]!) / 2;
          scores[at++] = (gain * sum) / (width * height);
        }
      }
      return scores;
    },
  }),
});

export default reddest;
