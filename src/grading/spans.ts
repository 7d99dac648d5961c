import { answerPart } from "./answer-part.ts";
import type { Extracted } from "./extracted.ts";

/** A stretch of time in seconds from the first frame; `startSeconds <= endSeconds`. */
export interface TimeSpan {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** A clock time (hh:mm:ss, mm:ss) or a plain number of seconds. */
const TIME = String.raw`(\d+(?::\d{1,2}){1,2}(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?:seconds?|secs?|s\b)?`;
const PAIR = new RegExp(
  String.raw`(?<![\d.:])${TIME}\s*(?:-|–|—|,|;|to|and|until|till|through|(?:,?\s*and\s+)?(?:it\s+)?ends?\s+at)\s*(?:ends?\s+at\s*)?${TIME}(?![\d:])`,
  "i",
);

const toSeconds = (written: string): number =>
  written.split(":").reduce((total, part) => total * 60 + Number(part), 0);

/**
 * The first pair of times that a completion gives (after its last "answer", if that has one): "24.3 - 30.4", "from 3 to
 * 7 s", "[3.0, 7.5]", "starts at 00:18 and ends at 00:23". A pair written backwards is turned round, and the rule says so.
 */
export const extractSpan = (completion: string): Extracted<TimeSpan> => {
  const text = answerPart(completion);
  if (text === "") return { value: null, rule: "empty" };
  const answerAt = text.toLowerCase().lastIndexOf("answer");
  const match = (answerAt >= 0 ? PAIR.exec(text.slice(answerAt)) : null) ?? PAIR.exec(text);
  if (match === null) return { value: null, rule: "nothing-found" };
  const [a, b] = [toSeconds(match[1]!), toSeconds(match[2]!)];
  return a <= b
    ? { value: { startSeconds: a, endSeconds: b }, rule: "first-pair" }
    : { value: { startSeconds: b, endSeconds: a }, rule: "first-pair-turned" };
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
