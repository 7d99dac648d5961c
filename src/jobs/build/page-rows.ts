import { questionText } from "../../dataset/question.ts";
import type { Rejection } from "../../dataset/schema.ts";
import type { PairData } from "../../dataset/set-page.ts";
import type { AssembledRow } from "./assemble.ts";
import type { BuildPlan } from "./plan-clips.ts";

const round = (value: number): number => Number(value.toFixed(2));

/** A pair and its questions as the page has them. */
export const pairData = ({ row, samples }: AssembledRow, { sources }: BuildPlan): PairData => {
  const { view } = row;
  const [first] = samples;
  const { caption, clip } = first?.sample.provenance ?? {};
  const { sprite, cells, width, height, times, complete, absent } = view.preview;
  return {
    id: row.id,
    ...(typeof clip === "string" && { clip }),
    src: sources[row.sourceNumber]?.place ?? row.source,
    ...(typeof caption === "string" && { cap: caption }),
    ...(first?.sample.keywords && { kw: first.sample.keywords }),
    ...(first?.sample.events && {
      ev: first.sample.events.map(
        ({ startSeconds, endSeconds, what }) => [round(startSeconds), round(endSeconds), what] as const,
      ),
    }),
    s: view.share,
    g: view.eventsGone,
    d: round(view.durationSeconds),
    n: view.frames,
    r: view.relevance,
    b: view.builder,
    c: view.curve,
    k: view.keys.slice(0, 60),
    p: { s: sprite, n: cells, w: width, h: height, t: times, c: complete, a: absent },
    qs: samples.map(({ sample, rejection }) => ({
      id: sample.id,
      q: questionText(sample),
      a: sample.answer,
      k: sample.answerKind,
      ...(sample.options && { o: sample.options }),
      ...(rejection && { x: [rejection.ruleId, rejection.reason] as const }),
    })),
  };
};

/** A row that became nothing. */
export const rejectedData = ({ source, ruleId, reason }: Rejection): PairData => ({
  id: source,
  x: [ruleId, reason],
});
