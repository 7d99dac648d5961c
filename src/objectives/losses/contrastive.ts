/**
 * Legend: C clips of the batch, D width of a state; h complete clips, a absent twins, v second views of the complete
 * clips under dropout, t texts.
 */
import { z } from "zod";
import { reshape } from "../../graph/ops/broadcast.ts";
import { add, scale, sub } from "../../graph/ops/elementwise.ts";
import { concat } from "../../graph/ops/layout.ts";
import { matmul } from "../../graph/ops/matmul.ts";
import { unitRows } from "../../graph/ops/normalize.ts";
import { logSumExp, mean, rowDot } from "../../graph/ops/reduce.ts";
import type { Value } from "../../graph/value.ts";
import { defineLoss, type LossPlugin } from "../losses.ts";

/** Cosine similarities of all pairs of rows over the temperature: [C, C]. */
const similarities = (a_CD: Value, b_CD: Value, temperature: number): Value =>
  matmul(unitRows(a_CD), unitRows(b_CD), { transposeB: true, alpha: 1 / temperature });

/** Mean over rows of log(sum of all exp) - positive: the InfoNCE loss in nats. */
const infoNce = (candidates: readonly Value[], positives_C: Value): Value =>
  mean(sub(logSumExp(concat(candidates, 1)), positives_C));

/**
 * Three InfoNCE losses on the end-of-segment states of a middle block: complete clip against its second view with
 * absent twins as hard negatives, text against complete clips, complete clip against texts. With
 * s(x, y) = cos(x, y) / tau, means over the C clips, in nats, each >= 0:
 *
 * v2v = -log [ e^s(h_i,v_i) / ( e^s(h_i,v_i) + sum_j e^s(h_i,a_j) + sum_{j != i} e^s(h_i,v_j) ) ]
 * t2v = -log [ e^s(t_i,h_i) / ( e^s(t_i,h_i) + sum_j e^s(t_i,a_j) ) ]
 * v2t = -log [ e^s(h_i,t_i) / sum_j e^s(h_i,t_j) ]
 * loss = weight (v2v + t2v + v2t)
 *
 * States: the groups `complete` (h), `absent` (a), `view` (v) and `keywords` (t) of `block`, [C, D] each. Feeds:
 * `twinMask` [1, C] is 0, or a large negative number where a clip has no twin (it is then no negative); `textMask`
 * [C, C] hides texts that are equal to a clip's own.
 *
 * @source VideoPerceiver eqs. (4)-(7), reconstructed from the prose; weight 0.1 and block 16 are the paper's
 * @differs the temperature is ours (0.05, as in SimCSE: the paper gives none); duplicate texts are no negatives
 */
const plugin: LossPlugin = defineLoss({
  summary: "InfoNCE between complete clip, absent twin and text at a middle block",
  source: "VideoPerceiver eqs. (4)-(7)",
  params: z.strictObject({
    block: z.number().int().min(1).default(16).describe("language block whose output is contrasted, 1-based"),
    weight: z.number().min(0).default(0.1).describe("weight of the three losses together"),
    temperature: z.number().positive().default(0.05).describe("divides cosines (our default)"),
  }),
  create: ({ block, weight, temperature }) => ({
    key: `contrastive ${block} ${weight} ${temperature}`,
    states: ["complete", "absent", "view", "keywords"].map((group) => ({ block, group })),
    feeds: { twinMask: [1, "absent"], textMask: ["complete", "keywords"] },
    additive: false,
    build: ({ state, feed }) => {
      const [h, a, v, t] = [
        state(block, "complete"),
        state(block, "absent"),
        state(block, "view"),
        state(block, "keywords"),
      ];
      const own = (x: Value, y: Value): Value => scale(rowDot(unitRows(x), unitRows(y)), 1 / temperature);
      const twinMask = feed("twinMask");
      const absent = (x: Value): Value => add(similarities(x, a, temperature), twinMask);
      const ownPair = own(t, h);
      const v2v = infoNce([similarities(h, v, temperature), absent(h)], own(h, v));
      const t2v = infoNce([reshape(ownPair, [ownPair.shape[0]!, 1]), absent(t)], ownPair);
      const texts = add(similarities(h, t, temperature), feed("textMask"));
      const v2t = infoNce([texts], ownPair);
      return { loss: scale(add(v2v, add(t2v, v2t)), weight), metrics: { v2v, t2v, v2t } };
    },
  }),
});

export default plugin;
