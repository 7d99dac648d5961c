import type { TimeSpan } from "../core/units.ts";
import { answerPart } from "./answer-part.ts";
import type { Extracted } from "./extracted.ts";
import { plainAnswer } from "./markup.ts";
import { isDeniedAt, lastOf } from "./polarity.ts";

/** A clock time (hh:mm:ss, mm:ss) or a plain number of seconds. */
const TIME = String.raw`(\d+(?::\d{1,2}){1,2}(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?:seconds?|secs?|s\b)?`;
const PAIR = new RegExp(
  String.raw`(?<![\d.:])${TIME}\s*(?:-|–|—|,|;|to|and|until|till|through|(?:,?\s*and\s+)?(?:it\s+)?ends?\s+at)\s*(?:ends?\s+at\s*)?${TIME}(?![\d:])`,
  "gi",
);

const toSeconds = (written: string): number =>
  written.split(":").reduce((total, part) => total * 60 + Number(part), 0);

interface FoundSpan {
  readonly start: number;
  readonly end: number;
  readonly times: readonly [number, number];
}

/** The pairs of times of a text that it does not deny. */
const findSpans = (text: string): FoundSpan[] =>
  [...text.matchAll(PAIR)]
    .map(
      (match): FoundSpan => ({
        start: match.index,
        end: match.index + match[0].length,
        times: [toSeconds(match[1]!), toSeconds(match[2]!)],
      }),
    )
    .filter(({ start, end }) => !isDeniedAt(text, start, end));

/**
 * The pair of times that a completion gives (after its last "answer", if there is one there): "24.3 - 30.4", "from 3 to
 * 7 s", "[3.0, 7.5]", "starts at 00:18 and ends at 00:23". A pair written backwards is turned round, and the rule says
 * so. Denied pairs do not count; different ones give null, unless the text corrects itself.
 */
export const extractSpan = (completion: string): Extracted<TimeSpan> => {
  const text = plainAnswer(answerPart(completion));
  if (text === "") return { value: null, rule: "empty" };
  const answerAt = text.toLowerCase().lastIndexOf("answer");
  const announced = answerAt >= 0 ? findSpans(text.slice(answerAt)) : [];
  const read = announced.length > 0 ? text.slice(answerAt) : text;
  const spans = announced.length > 0 ? announced : findSpans(text);
  if (spans.length === 0) return { value: null, rule: text.search(PAIR) >= 0 ? "rejected" : "nothing-found" };
  const span = lastOf(read, spans, (x, y) => x.times[0] === y.times[0] && x.times[1] === y.times[1]);
  if (span === null) return { value: null, rule: "several-spans" };
  const [a, b] = span.times;
  return a <= b
    ? { value: { startSeconds: a, endSeconds: b }, rule: "only-pair" }
    : { value: { startSeconds: b, endSeconds: a }, rule: "only-pair-turned" };
};

/**
 * Intersection over union of two stretches of time, in [0, 1]; 0 when they do not overlap and when both are points.
 *
 * @source temporal grounding convention (Charades-STA): max(0, min e - max s) / (max e - min s)
 */
export const spanIoU = (a: TimeSpan, b: TimeSpan): number => {
  const overlap = Math.min(a.endSeconds, b.endSeconds) - Math.max(a.startSeconds, b.startSeconds);
  const hull = Math.max(a.endSeconds, b.endSeconds) - Math.min(a.startSeconds, b.startSeconds);
  return overlap <= 0 || hull <= 0 ? 0 : overlap / hull;
};
