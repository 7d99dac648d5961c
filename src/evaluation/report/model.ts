import type { Curve } from "../../pages/line-chart.ts";
import type { StripPicture } from "../../pages/strip.ts";
import type { TableGroup } from "../benchmarks.ts";
import type { MetricScore } from "../score.ts";
import type { Estimate } from "../statistics/estimate.ts";

/** Everything that a report shows, as plain data. Accuracies are shares in [0, 1]; the report writes them in per cent. */
export interface ReportModel {
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly summary: string;
  /** When the run ended, ISO date and time; null where the run does not say. */
  readonly madeAt: string | null;
  /** In columns of the table, in order. */
  readonly skills: readonly ReportSkill[];
  /** In rows of the table, in order; the first is usually the blind one. */
  readonly rows: readonly ResultRow[];
  /** The table of the benchmark's paper; left out: it has none. */
  readonly table?: readonly TableGroup[];
  /** Accuracy by what questions are grouped by besides skills; left out: by nothing. */
  readonly breakdown?: readonly BreakdownLine[];
  /** Name of the row that the verdict is about (the last stage trained). */
  readonly mainRow: string;
  /** Name of the row that saw no pictures; null when there is none. */
  readonly blindRow: string | null;
  /** The main row against the blind one on the same questions; null where either is missing. */
  readonly seeing: Estimate | null;
  /** Paired differences worth a sentence, such as one training stage against the one before. */
  readonly differences: readonly RowDifference[];
  /** Rows against those that were trained like them under a control. */
  readonly controls?: readonly ControlDifference[];
  /** The questions that only the event answers; null and left out: not known which these are. */
  readonly events?: EventResults | null;
  /** What training stages logged about contrast on held-out clips. */
  readonly contrast?: readonly ContrastCheck[];
  /** False where answers are open texts that only metrics compare with their references; left out: true. */
  readonly isGraded?: boolean;
  readonly curves: readonly Curve[];
  readonly examples: ExampleSet | null;
  readonly provenance: ReportProvenance;
}

/** Accuracy of one skill's questions of one group, such as the slow films of the action questions. */
export interface BreakdownLine {
  /** Such as "speed", and the value of it. */
  readonly group: string;
  readonly value: string;
  readonly skill: string;
  readonly questions: number;
  readonly chance: number | null;
  /** By the names of the rows, on complete clips. */
  readonly rows: Readonly<Record<string, Estimate | null>>;
}

/** A family of questions and what can be had without looking. */
export interface ReportSkill {
  /** As in the records. */
  readonly name: string;
  /** As on the page. */
  readonly label: string;
  readonly questions: number;
  /** Null where there is no finite set of answers. */
  readonly chance: number | null;
  readonly majority: number | null;
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
  /** The benchmark's metrics on complete clips. */
  readonly metrics: readonly MetricScore[];
}

/** One sentence at the top of a report, and whether it is good news. "open": the numbers do not tell. */
export interface Finding {
  readonly outcome: "yes" | "no" | "open";
  readonly headline: string;
  readonly detail: string;
}

/** Results on the questions that only the event answers. */
export interface EventResults {
  readonly questions: number;
  readonly rows: readonly {
    readonly name: string;
    readonly complete: Estimate | null;
    readonly absent: Estimate | null;
    readonly sensitivity: Estimate | null;
  }[];
  readonly differences: readonly RowDifference[];
}

/** What a stage logged last about contrast on clips that it did not train on. */
export interface ContrastCheck {
  readonly stage: string;
  /** Its losses hold the contrast; else it was only looked at. */
  readonly isTrained: boolean;
  readonly clips: number;
  /** Mean cosine of clip and twin. */
  readonly cosine: number;
  /** Share of clips whose text is nearer to the clip than to its twin, and than to the randomly frozen control. */
  readonly win: number;
  readonly winFrozen: number;
  /** Their difference, paired by clip, and its standard error. */
  readonly gap: number;
  readonly gapError: number;
  /** Text-to-video loss with a twin that is the clip itself, nats. */
  readonly t2vSame: number;
}

/** Accuracy of one row minus that of another on the same questions. */
export interface RowDifference {
  /** Row names. */
  readonly of: string;
  readonly against: string;
  /** Difference of accuracies on complete clips, clustered by clip. */
  readonly difference: Estimate;
  /** Sign-flip permutation test over clips, adjusted by Holm over the report's comparisons. */
  readonly adjustedP: number;
  /** Questions that only one of the two got right, and McNemar's mid-p of that, which takes questions as independent. */
  readonly disagreement: { readonly onlyFirst: number; readonly onlySecond: number; readonly midP: number };
  /** Smallest difference that these questions would have shown with 80 % power. */
  readonly detectable: number;
}

/** What a row gained, what its control gained, and how much more the row did; accuracies on the same questions. */
export interface ControlDifference {
  readonly of: string;
  readonly control: string;
  readonly from: string;
  readonly gain: Estimate;
  readonly controlGain: Estimate;
  /** Row minus control. */
  readonly excess: Estimate;
}

/** What an example is an example of: right on both clips, right only on the complete one, wrong on the complete one. */
export type ExampleKind = "flip" | "kept" | "missed";

/** Chosen examples, and how many of each kind there are among all questions that were asked on clip and twin. */
export interface ExampleSet {
  /** Whose answers make an example what it is. */
  readonly subject: string;
  readonly counts: Readonly<Record<ExampleKind, number>>;
  readonly pairs: readonly ExamplePair[];
}

/** A complete clip, its absent twin, a question, and what the subjects said to both. */
export interface ExamplePair {
  readonly id: string;
  readonly kind: ExampleKind;
  readonly caption: string;
  readonly keywords: readonly string[];
  readonly question: string;
  readonly options?: readonly string[];
  readonly answer: string;
  /** Pictures as `data:image/png;base64,...` (or jpeg, webp); nothing is ever loaded from elsewhere. */
  readonly images: readonly string[];
  readonly complete: readonly StripPicture[];
  readonly absent: readonly StripPicture[];
  /** One relevance score a picture of `complete`; empty: none are known. */
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

/** One value that a stage of the run was made with. */
export interface ReportSetting {
  readonly stage: string;
  readonly name: string;
  readonly value: string;
  /** Who set it: the default's origin, or "run" where this run has another value than the default. */
  readonly origin: "paper" | "reconstructed" | "ours" | "run";
  readonly what: string;
}

/** Where the numbers come from. */
export interface ReportProvenance {
  /** Seeds, sizes, times, counts: what a reader asks first. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly settings: readonly ReportSetting[];
  /** What was dropped, how often and why; shown even when empty, as "nothing". */
  readonly leftOut: readonly { readonly what: string; readonly count: number; readonly reason: string }[];
  readonly versions: readonly { readonly name: string; readonly value: string }[];
  readonly machine: readonly { readonly name: string; readonly value: string }[];
  /** The complete configuration, shown folded. */
  readonly configuration: unknown;
  /** Command that repeats the run. */
  readonly command: string;
}
