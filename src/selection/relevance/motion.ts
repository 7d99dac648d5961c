import { MotionCurve, motionParams as params } from "../motion/motion-curve.ts";
import { defineRelevance, type RelevanceDefinition } from "../relevance.ts";

const version = "2";

/** Motion that comes and goes, camera removed; needs no weights and ignores the keywords. */
const motion: RelevanceDefinition = defineRelevance({
  summary:
    "local change against both before and after, camera motion removed (no weights; ignores the keywords)",
  source: "ours (docs/relevance.md)",
  params,
  version,
  unit: "how much more comes and goes than usual in this clip: 0 its median, 1 a robust deviation (1.4826 x median absolute deviation) above",
  costPerFrame:
    "about 0.9 ms at 96 pixels on one core of a shared two-core machine (0.2 ms without camera search)",
  inputPixels: 192,
  resizer: "zscale",
  keyFrameRule: { prominenceShare: 0.2 },
  usesText: false,
  argument: "reachSeconds",
  create: (checked) => ({
    version: () => version,
    score: async ({ frames, context }) => {
      const curve = new MotionCurve(checked);
      for await (const batch of frames) {
        context.signal?.throwIfAborted();
        curve.push(batch);
      }
      return curve.finish();
    },
  }),
});

export default motion;
