/**
 * Legend: C clips of the batch that show their pictures, Q clips of earlier steps, D width of a state; h complete clips,
 * a absent twins, v second views of the complete clips under dropout, t texts.
 */
import { z } from "zod";
import type { FeedSize, Signals } from "../../graph/objective.ts";
import { reshape } from "../../graph/ops/broadcast.ts";
import { add, scale, sub } from "../../graph/ops/elementwise.ts";
import { concat } from "../../graph/ops/layout.ts";
import { matmul } from "../../graph/ops/matmul.ts";
import { unitRows } from "../../graph/ops/normalize.ts";
import { logSumExp, mean, rowDot } from "../../graph/ops/reduce.ts";
import type { Value } from "../../graph/value.ts";
import { defineLoss, type LossPlugin } from "../losses.ts";

const params = z.strictObject({
  block: z.number().int().min(1).default(16).describe("language block whose output is contrasted, 1-based"),
  weight: z.number().min(0).default(0.1).describe("weight of the three losses together"),
  temperature: z.number().positive().default(0.05).describe("divides cosines (our default)"),
  negatives: z
    .enum(["own", "batch"])
    .default("batch")
    .describe(
      "videos that count against a clip: its own twin only, or all twins and other clips of the step",
    ),
  queue: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("clips of earlier steps that count as negatives too, for small batches; 0: none (ours)"),
  width: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("width of a state, needed for a queue; the loop knows it"),
});

/** Cosine similarities of all pairs of rows over the temperature: [rows of a, rows of b]. */
const similarities = (a: Value, b: Value, temperature: number): Value =>
  matmul(unitRows(a), unitRows(b), { transposeB: true, alpha: 1 / temperature });

/** Mean over rows of log(sum of all exp) - positive: the InfoNCE loss in nats. */
const infoNce = (candidates: readonly Value[], positives_C: Value): Value =>
  mean(sub(logSumExp(concat(candidates, 1)), positives_C));

const column = (values: Value): Value => reshape(values, [values.shape[0]!, 1]);

/** What is remembered of earlier steps: states without gradient, and what hides them. */
const queueFeeds = (queue: number, width: number | undefined): Record<string, readonly FeedSize[]> => {
  if (queue === 0) return {};
  const states = [queue, width ?? 1];
  return {
    queuedAbsent: states,
    queuedViews: states,
    queuedTexts: states,
    queuedAbsentMask: [1, queue],
    queuedViewMask: ["complete", queue],
    queuedTextMask: ["complete", queue],
  };
};

const build = (
  { state, feed }: Signals,
  { block, weight, temperature, negatives, queue }: z.output<typeof params>,
): { loss: Value; metrics: Record<string, Value> } => {
  const [h, a, v, t] = [
    state(block, "complete"),
    state(block, "absent"),
    state(block, "view"),
    state(block, "keywords"),
  ];
  const own = (x: Value, y: Value): Value => scale(rowDot(unitRows(x), unitRows(y)), 1 / temperature);
  const queued = (x: Value, states: string, mask: string): Value[] =>
    queue === 0 ? [] : [add(similarities(x, feed(states), temperature), feed(mask))];
  const twinMask = feed("twinMask");
  const twins = (x: Value): Value[] =>
    negatives === "batch"
      ? [add(similarities(x, a, temperature), twinMask)]
      : [add(column(own(x, a)), reshape(twinMask, [twinMask.shape[1]!, 1]))];
  const absent = (x: Value): Value[] => [...twins(x), ...queued(x, "queuedAbsent", "queuedAbsentMask")];
  const [ownView, ownText] = [own(h, v), own(t, h)];
  const views =
    negatives === "batch" ? add(similarities(h, v, temperature), feed("viewMask")) : column(ownView);
  const v2v = infoNce([views, ...absent(h), ...queued(h, "queuedViews", "queuedViewMask")], ownView);
  const t2v = infoNce([column(ownText), ...absent(t)], ownText);
  const texts = add(similarities(h, t, temperature), feed("textMask"));
  const v2t = infoNce([texts, ...queued(h, "queuedTexts", "queuedTextMask")], ownText);
  return { loss: scale(add(v2v, add(t2v, v2t)), weight), metrics: { v2v, t2v, v2t } };
};

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
 * With negatives `own` the sums over videos hold the clip's own twin only; a queue adds the twins, views and texts of Q
 * earlier clips to the sums over all.
 *
 * States: the groups `complete` (h), `absent` (a), `view` (v) and `keywords` (t) of `block`, [C, D] each; C leaves out
 * clips whose pictures are hidden. Feeds: `twinMask` [1, C] is 0, or a large negative number where a clip has no twin (it
 * is then no negative); `textMask` [C, C] hides texts that are equal to a clip's own; `viewMask` [C, C], for the negatives
 * `batch`, hides views of the clip itself where a step has it twice. With a queue `queued*` [Q, D] and their masks, which
 * also hide what the queue does not hold yet.
 *
 * @source VideoPerceiver eqs. (4)-(7), reconstructed from the prose; weight 0.1 and block 16 are the paper's
 * @differs the temperature is ours (0.05, as in SimCSE: the paper gives none); duplicate texts and clips are no negatives; clips
 * without pictures leave all three losses; the queue is ours; texts go through the language model, not through BERT
 */
const plugin: LossPlugin = defineLoss({
  summary: "InfoNCE between complete clip, absent twin and text at a middle block",
  source: "VideoPerceiver eqs. (4)-(7)",
  params,
  create: (given) => ({
    key: `contrastive ${JSON.stringify(given)}`,
    states: ["complete", "absent", "view", "keywords"].map((group) => ({ block: given.block, group })),
    feeds: {
      twinMask: [1, "absent"],
      textMask: ["complete", "keywords"],
      ...(given.negatives === "batch" ? { viewMask: ["complete", "view"] } : {}),
      ...queueFeeds(given.queue, given.width),
    },
    additive: false,
    build: (signals) => build(signals, given),
  }),
});

export default plugin;
