import { z } from "zod";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonFile } from "../../core/files.ts";
import type { TimeSpan } from "../../core/units.ts";
import { extractSpan } from "../../grading/spans.ts";
import { defineMetric, type MetricPlugin, meanOver, perRecord } from "../metrics.ts";

const spans = z.array(z.tuple([z.number(), z.number()]));
const grounding = z.record(z.string(), z.object({ location: z.record(z.string(), spans) }));

/** Intersection over prediction: the share of the said stretch that lies in the true one; 0 for a point. */
export const intersectionOverPrediction = (said: TimeSpan, truth: TimeSpan): number => {
  const overlap =
    Math.min(said.endSeconds, truth.endSeconds) - Math.max(said.startSeconds, truth.startSeconds);
  const length = said.endSeconds - said.startSeconds;
  return overlap <= 0 || length <= 0 ? 0 : overlap / length;
};

/** True stretches by `video_qid`. */
const readGrounding = (file: string): ReadonlyMap<string, readonly TimeSpan[]> => {
  const parsed = grounding.safeParse(readJsonFile(file));
  if (!parsed.success)
    throw new DataFormatError("not a grounding file of NExT-GQA", {
      where: file,
      expected: '{"<video>": {"location": {"<qid>": [[start, end]]}}}',
      got: parsed.error.issues[0]?.message ?? "something else",
    });
  return new Map(
    Object.entries(parsed.data).flatMap(([video, { location }]) =>
      Object.entries(location).map(([qid, truth]) => [
        `${video}_${qid}`,
        truth.map(([startSeconds, endSeconds]) => ({ startSeconds, endSeconds })),
      ]),
    ),
  );
};

/** A question counts when its answer is right and the stretch that stands in the answer's text lies in a true one. */
const plugin: MetricPlugin = defineMetric({
  summary: "share answered rightly with a stretch of time that lies in the true one (Acc@GQA)",
  source: "NExT-GQA (doc-doc/NExT-GQA@63772e0): right, and intersection over prediction of 0.5 or more",
  kinds: ["choice"],
  argument: "spans",
  params: z.strictObject({
    spans: z.string().min(1).describe("grounding file of NExT-GQA (gsub_*.json)"),
    iop: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe("share of the said stretch that must lie in a true one"),
  }),
  create: ({ spans: file, iop }) => {
    const truth = readGrounding(file);
    const isGrounded = perRecord(({ questionId, rawOutput }): boolean => {
      const { value } = extractSpan(rawOutput);
      return (
        value !== null &&
        (truth.get(questionId) ?? []).some((one) => intersectionOverPrediction(value, one) >= iop)
      );
    });
    return (records) =>
      meanOver(
        records.filter(({ questionId }) => truth.has(questionId)),
        (record) => (record.correct && isGrounded(record) ? 1 : 0),
      );
  },
});
export default plugin;
