import { annotatedSample } from "./annotation.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** A sentence and when it happens, in seconds. */
export interface GroundedSentence {
  readonly id: string;
  readonly video: string;
  readonly sentence: string;
  readonly start: number;
  readonly end: number;
  /** Length of the video in seconds, where it is known. */
  readonly duration?: number;
}

const oddities = ({ start, end, duration }: GroundedSentence): string[] => [
  ...(end < start ? ["ends before it starts (turned round)"] : []),
  ...(end === start ? ["a stretch without length (nothing overlaps with it)"] : []),
  ...(duration !== undefined && Math.max(start, end) > duration + 0.5 ? ["ends after the video does"] : []),
];

/** The question when a sentence happens. */
export const groundingSample = (source: string, sentence: GroundedSentence): BenchmarkSample => {
  const { id, video, start, end } = sentence;
  return annotatedSample(source, {
    id,
    video,
    question: `When does this happen: "${sentence.sentence.trim()}"? Give start and end in seconds.`,
    answer: `${Math.min(start, end)} - ${Math.max(start, end)}`,
    answerKind: "span",
    irregular: oddities(sentence),
  });
};

/** What is reported of temporal grounding. */
export const groundingMetrics: readonly string[] = [
  "mean-iou",
  "recall-at-iou:0.3",
  "recall-at-iou:0.5",
  "recall-at-iou:0.7",
];
