import { z } from "zod";
import { endOf } from "../../video/timeline.ts";
import { defineFilter, type FilterPlugin } from "../filter.ts";
import { questionText } from "../question.ts";

const params = z.strictObject({
  toleranceSeconds: z
    .number()
    .min(0)
    .default(0.05)
    .describe("how far beyond the end a time may lie, seconds"),
});

/** Times in a text, in seconds: `m:ss`, `h:mm:ss`, `3.5 s`, `12 seconds`. */
export const timesIn = (text: string): number[] => {
  const times: number[] = [];
  for (const match of text.matchAll(/\b(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)\b/g))
    times.push(Number(match[1] ?? 0) * 3600 + Number(match[2]) * 60 + Number(match[3]));
  for (const match of text.matchAll(/(?<![\d.:])(-?\d+(?:\.\d+)?)\s*(?:s|secs?|seconds?)\b/gi))
    times.push(Number(match[1]));
  return times;
};

/** Every time that is named lies inside of the clip. */
const filter: FilterPlugin = defineFilter({
  summary: "times in question, answer and events lie inside the clip",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ toleranceSeconds }) => ({
    check: (sample) => {
      const length = endOf(sample.clip.timeline, sample.clip.durationSeconds);
      const end = length + toleranceSeconds;
      const outside = (time: number): boolean => time < -toleranceSeconds || time > end;
      const wrong = [questionText(sample), sample.answer].flatMap(timesIn).find(outside);
      if (wrong !== undefined) return `${wrong} s is not inside the clip of ${length.toFixed(2)} s`;
      const event = sample.events?.find((span) => outside(span.startSeconds) || outside(span.endSeconds));
      return event === undefined
        ? undefined
        : `the event "${event.what}" (${event.startSeconds} to ${event.endSeconds} s) is not inside the clip`;
    },
  }),
});

export default filter;
