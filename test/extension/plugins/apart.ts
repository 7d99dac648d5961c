import { mean, mul, rowDot, scale, unitRows } from "videoperceiver/model";
import { defineLoss, type LossPlugin, z } from "videoperceiver/plugins";

/**
 * loss = weight * mean over clips of cos(h, a)^2, of the end states of the complete clip (h) and its twin (a) at a block.
 */
const apart: LossPlugin = defineLoss({
  summary: "the states of a clip and of its twin are at right angles",
  source: "ours",
  params: z.strictObject({
    block: z.number().int().min(1).default(1).describe("language block, 1-based"),
    weight: z.number().min(0).default(1),
  }),
  create: ({ block, weight }) => ({
    key: `apart ${block} ${weight}`,
    states: ["complete", "absent"].map((group) => ({ block, group })),
    feeds: {},
    additive: false,
    build: ({ state }) => {
      const cosine = rowDot(unitRows(state(block, "complete")), unitRows(state(block, "absent")));
      return { loss: scale(mean(mul(cosine, cosine)), weight), metrics: { twinCosine: mean(cosine) } };
    },
  }),
});

export default apart;
