import type { Estimate } from "../statistics/estimate.ts";

/**
 * Everything that a report shows, as plain data. Accuracies are shares in [0, 1]; the report writes them in per cent.
 * Frame numbers are 0-based here and 1-based on the page.
 */
export interface ReportModel {
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly summary: string;
  /** ISO date and time, by the caller's clock. */
  readonly madeAt: string;
  /** In columns of the table, in order. */
  readonly skills: readonly ReportSkill[];
  /** In rows of the table, in order; the first is usually the blind one. */
  readonly rows: readonly ResultRow[];
  /** Name of the row that the verdict is about (the last stage trained). */
  readonly mainRow: string;
  /** Name of the row that saw no pictures. */
  readonly blindRow: string;
  /** Paired comparisons worth a sentence, such as one training stage against the one before. */
  readonly comparisons: readonly Comparison[];
  readonly curves: readonly Curve[];
  readonly pairs: readonly ExamplePair[];
  readonly provenance: ReportProvenance;
}

/** A family of questions and what can be had without looking. */
export interface ReportSkill {
  /** As in the records. */
  readonly name: string;
  /** As on the page. */
  readonly label: string;
  readonly questions: number;
  readonly chance: number;
  readonly majority: number;
}

/** One number over all questions and one per skill; null where it was not measured. */
export interface SkillEstimates {
  readonly overall: Estimate | null;
  readonly skills: Readonly<Record<string, Estimate | null>>;
}

/** One subject's results. */
export interface ResultRow {
  readonly name: string;
  /** A few words, such as "4.0 min, 3,900 steps". */
  readonly note: string;
  readonly complete: SkillEstimates;
  readonly absent: SkillEstimates | null;
  readonly randomRemoval: SkillEstimates | null;
  /** (complete - absent) - (complete - random removal). */
  readonly sensitivity: SkillEstimates | null;
}

/** Accuracy of one row minus that of another on the same questions. */
export interface Comparison {
  /** Row names. */
  readonly of: string;
  readonly against: string;
  /** Difference of accuracies on complete clips, clustered by clip. */
  readonly difference: Estimate;
  /** Sign-flip permutation test over clips, adjusted by Holm over the report's comparisons. */
  readonly adjustedP: number;
  /** Smallest difference that these questions would have shown with 80 % power. */
  readonly detectable: number;
}

/** One chart of the training section. */
export interface Curve {
  readonly title: string;
  /** What the horizontal axis counts, e.g. "step". */
  readonly xLabel: string;
  /** Unit of the values, e.g. "nats", "share". */
  readonly yLabel: string;
  readonly series: readonly CurveSeries[];
  /** Vertical marks such as the start of a stage. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

/** One line; points ascend in x, values are finite. */
export interface CurveSeries {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One picture of a strip. */
export interface StripFrame {
  /** Position in `images`. */
  readonly image: number;
  /** 0-based source frame at whose time the picture stands. */
  readonly index: number;
  readonly timeSeconds: number;
  readonly isKey: boolean;
  /** 0-based source frame that is shown instead, in an absent strip; null when the frame is its own. */
  readonly replacedFrom: number | null;
}

/** A complete clip, its absent twin, a question, and what the subjects said to both. */
export interface ExamplePair {
  readonly id: string;
  readonly caption: string;
  readonly keywords: readonly string[];
  readonly question: string;
  readonly options?: readonly string[];
  readonly answer: string;
  /** Pictures as `data:image/png;base64,...` (or jpeg, webp); nothing is ever loaded from elsewhere. */
  readonly images: readonly string[];
  readonly complete: readonly StripFrame[];
  readonly absent: readonly StripFrame[];
  /** One relevance score a frame of `complete`. */
  readonly scores: readonly number[];
  /** What gave the scores, e.g. "checkpoint". */
  readonly relevance: string;
  readonly answers: readonly ExampleAnswer[];
}

/** What one subject said. */
export interface ExampleAnswer {
  readonly subject: string;
  readonly complete: { readonly text: string; readonly correct: boolean };
  readonly absent: { readonly text: string; readonly correct: boolean };
}

/** Where the numbers come from. */
export interface ReportProvenance {
  /** Seeds, sizes, times, counts: what a reader asks first. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** Values and who set them. */
  readonly defaults: readonly {
    readonly name: string;
    readonly value: string;
    readonly origin: "paper" | "reconstructed" | "ours";
    readonly what: string;
  }[];
  /** What was dropped, how often and why; shown even when empty, as "nothing". */
  readonly leftOut: readonly { readonly what: string; readonly count: number; readonly reason: string }[];
  readonly versions: readonly { readonly name: string; readonly value: string }[];
  readonly machine: readonly { readonly name: string; readonly value: string }[];
  /** The complete configuration, shown folded. */
  readonly configuration: unknown;
  /** Command that repeats the run. */
  readonly command: string;
}
