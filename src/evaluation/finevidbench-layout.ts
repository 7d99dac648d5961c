import { z } from "zod";
import { optionLetter } from "../grading/options.ts";
import { annotatedSample } from "./annotation.ts";
import type { BenchmarkSample } from "./benchmarks.ts";

/** The tasks of FineVidBench in the published order, as skills of records. */
export const fineVidBenchTasks = {
  scene: ["action", "effect", "speed"],
  fragment: ["frame-count", "meaning-of-order", "frame-comparison", "adjust-or-not", "rearrangement"],
} as const;

/** One question as a line of `finevidbench.jsonl`; everything behind `answer` may be missing. */
export interface FineVidBenchRow {
  readonly id: string;
  /** The film, relative to the benchmark's folder. */
  readonly video: string;
  readonly task: string;
  readonly question: string;
  /** Left out: the answer is an order of 1 to n. */
  readonly options?: readonly string[] | undefined;
  /** A letter, the text of an option, or an order. */
  readonly answer: string;
  /** Pictures of the film, all of which are shown; left out: whoever looks chooses. */
  readonly frames?: number | undefined;
  /** Frames of the film that each picture stands for, one behind the other; 1 when left out. */
  readonly framesEach?: number | undefined;
  /** The clip that the film is of: what all statistics are clustered by. */
  readonly source?: { readonly clip: string; readonly sha256: string } | undefined;
  /** What results are broken down by. */
  readonly speed?: string | undefined;
  readonly actionClass?: string | undefined;
  /** How it came about. */
  readonly provenance?: Readonly<Record<string, unknown>> | undefined;
}

/** Checks a row; unknown fields are let pass. */
export const fineVidBenchRow: z.ZodType<FineVidBenchRow> = z.object({
  id: z.string().min(1),
  video: z.string().min(1),
  task: z.string().min(1),
  question: z.string().min(1),
  options: z.array(z.string()).min(2).optional(),
  answer: z.string(),
  frames: z.int().min(1).optional(),
  framesEach: z.int().min(1).max(16).optional(),
  source: z.object({ clip: z.string().min(1), sha256: z.string().min(1) }).optional(),
  speed: z.string().min(1).optional(),
  actionClass: z.string().min(1).optional(),
  provenance: z.record(z.string(), z.unknown()).optional(),
});

/** An answer without options: an order of 1 to n. */
const orderOf = ({ answer }: FineVidBenchRow) => {
  const order = answer.match(/\d+/g)?.map(Number) ?? [];
  const isOrder = order.length > 1 && [...order].sort((a, b) => a - b).every((one, at) => one === at + 1);
  return {
    answer: isOrder ? answer : null,
    answerKind: "permutation" as const,
    irregular: isOrder ? [] : ["the reference is no order of 1 to n (not scored)"],
  };
};

/** A question of the benchmark; a reference that cannot be used is named and not scored. */
export const fineVidBenchSample = (row: FineVidBenchRow): BenchmarkSample => {
  const { id, video, task, question, options, answer, frames, source, speed, actionClass } = row;
  const { framesEach = 1 } = row;
  const groups = {
    ...(speed !== undefined && { speed }),
    ...(actionClass !== undefined && { "action class": actionClass }),
  };
  const at =
    options === undefined
      ? -1
      : /^[A-Z]$/.test(answer) && !options.includes(answer)
        ? answer.charCodeAt(0) - 65
        : options.indexOf(answer);
  const known = at >= 0 && at < (options?.length ?? 0);
  const choice = {
    answer: known ? optionLetter(at) : null,
    answerKind: "choice" as const,
    irregular: known ? [] : ["the reference is none of the options (not scored)"],
  };
  return {
    ...annotatedSample("finevidbench", {
      id,
      video,
      question,
      skill: task,
      ...(source !== undefined && { cluster: `${source.clip} ${source.sha256.slice(0, 8)}` }),
      ...(options === undefined ? orderOf(row) : { ...choice, options }),
    }),
    ...(frames !== undefined && {
      frames: Array.from({ length: frames }, (_, picture) => picture * framesEach),
      framesEach,
    }),
    ...(Object.keys(groups).length > 0 && { groups }),
  };
};
