import type { PairSource } from "../../absent/pair-source.ts";
import { DataFormatError } from "../../core/errors.ts";
import type { SourceRow } from "../../dataset/sources.ts";
import type { TaughtFacts, Teacher, TeacherUsage } from "../../dataset/teacher.ts";
import type { ClipSettings, PlannedRow } from "./protocol.ts";

/** A row as it is built, with what the teacher said where its questions come from that. */
export interface TaughtRow extends PlannedRow {
  readonly facts?: TaughtFacts;
}

/** What asking the teacher takes. */
export interface TeachTools {
  /** Asks the teacher about a clip; undefined: there is none. */
  readonly teach: ReturnType<Teacher["open"]> | undefined;
  readonly order: { readonly settings: Pick<ClipSettings, "teacher"> };
}

/** Rows after the teacher was asked about their clip. */
export interface TaughtRows {
  readonly rows: readonly TaughtRow[];
  readonly usage?: TeacherUsage;
  /** True when the same build may get an answer another time. */
  readonly mayAnswerLater: boolean;
}

/** Rows of which the teacher can say something: those without a question and a pair of their own. */
const isTaught = ({ row }: PlannedRow): boolean => row.messages === undefined && row.absent === undefined;

/**
 * Asks the teacher about a clip, once for all of its rows. A row without caption and events gets the teacher's caption; the
 * first taught row gets the questions. Without an answer, rows that have words or events of their own go on without it, the
 * others are refused; nothing is put in its place.
 *
 * @param refuse hears of everything that failed or could not be used, as one line each
 */
export const teachRows = async (
  rows: readonly PlannedRow[],
  clip: PairSource,
  { teach, order }: TeachTools,
  refuse: (row: SourceRow, error: unknown) => void,
  signal: AbortSignal,
): Promise<TaughtRows> => {
  const first = rows.find(isTaught);
  if (teach === undefined || first === undefined) return { rows, mayAnswerLater: false };
  const outcome = await teach(clip, signal);
  const isBare = ({ row }: PlannedRow): boolean =>
    row.caption === undefined && (row.events ?? row.frameEvents ?? []).length === 0;
  if (outcome.status === "failed") {
    const error = new DataFormatError("the teacher did not answer", { got: outcome.reason });
    const bare = rows.filter((planned) => isTaught(planned) && isBare(planned));
    for (const { row } of bare.length > 0 ? bare : [first]) refuse(row, error);
    return {
      rows: rows.filter((planned) => !bare.includes(planned)),
      mayAnswerLater: outcome.mayAnswerLater,
    };
  }
  const { facts, dropped, usage } = outcome;
  for (const reason of dropped)
    refuse(first.row, new DataFormatError("left out of the teacher's answer", { got: reason }));
  const teacher = order.settings.teacher;
  const taught = rows.map((planned): TaughtRow => {
    if (!isTaught(planned)) return planned;
    const { row } = planned;
    const hasCaption = row.caption !== undefined;
    const provenance = {
      ...row.provenance,
      ...(!hasCaption && { caption: facts.caption, captionBy: "teacher" }),
      teacher,
    };
    return {
      ...planned,
      row: { ...row, provenance, ...(!hasCaption && { caption: facts.caption }) },
      ...(planned === first && { facts }),
    };
  });
  return { rows: taught, usage, mayAnswerLater: false };
};
