import type { TimeSpan } from "../core/units.ts";
import { extractSpan, spanIoU } from "./spans.ts";

/** Spans with confidences, the most confident first. */
export interface RankedSpan extends TimeSpan {
  /** Null where none is written. */
  readonly confidence: number | null;
}

const LINE =
  /^\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)(?:\s*\(\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*\))?\s*$/i;

/** Writes ranked spans, one a line: `12 - 18.5 (0.93)`. */
export const writeRankedSpans = (spans: readonly RankedSpan[]): string =>
  spans
    .map(
      ({ startSeconds, endSeconds, confidence }) =>
        `${startSeconds} - ${endSeconds}${confidence === null ? "" : ` (${confidence})`}`,
    )
    .join("\n");

/**
 * The spans of an answer that gives several, as {@link writeRankedSpans} writes them; an answer in a sentence counts as
 * one span. Empty where nothing can be read.
 */
export const readRankedSpans = (text: string): RankedSpan[] => {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const spans = lines.flatMap((line) => {
    const [, start, end, confidence] = LINE.exec(line) ?? [];
    if (start === undefined) return [];
    const times = [Number(start), Number(end)] as const;
    return [
      {
        startSeconds: Math.min(...times),
        endSeconds: Math.max(...times),
        confidence: confidence === undefined ? null : Number(confidence),
      },
    ];
  });
  if (spans.length > 0 && spans.length === lines.length) return spans;
  const { value } = extractSpan(text);
  return value === null ? [] : [{ ...value, confidence: null }];
};

/** Intersection over union with the reference that is overlapped best; 0 for none. */
export const bestIoU = (span: TimeSpan, references: readonly TimeSpan[]): number =>
  references.reduce((best, reference) => Math.max(best, spanIoU(span, reference)), 0);
