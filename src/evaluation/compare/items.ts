import { type EvaluationRecord, gradesOpenAnswers, recipeText } from "../records.ts";
import type { ComparedRun } from "./compare-runs.ts";

/** One answer to a question. */
export interface ItemAnswer {
  readonly run: string;
  readonly view: string;
  readonly record: EvaluationRecord;
}

/** A question with everything that was said to it. */
export interface ComparedItem {
  readonly id: string;
  readonly answers: readonly ItemAnswer[];
  /** What can be filtered by. */
  readonly tags: readonly string[];
}

const named = (answers: readonly ItemAnswer[], run: string, view: string): EvaluationRecord | undefined =>
  answers.find((one) => one.run === run && one.view === view && one.record.draw === 0)?.record;

const troubles = ["unread", "empty", "missing", "failed", "refused"] as const;

const troublesOf = ({ outcome }: EvaluationRecord): string[] => troubles.filter((one) => one === outcome);

/** What one run did with a question; without right and wrong where only metrics compare the answers. */
const runTags = (answers: readonly ItemAnswer[], run: string, graded: boolean): string[] => {
  const complete = named(answers, run, "complete");
  const absent = named(answers, run, "absent");
  const blind = named(answers, run, "blind");
  if (complete === undefined) return [];
  if (!graded) return troublesOf(complete);
  const tags: string[] = [complete.correct ? "right on the clip" : "wrong on the clip"];
  if (absent !== undefined && complete.correct)
    tags.push(
      absent.correct ? "right on the clip, right on the twin" : "right on the clip, wrong on the twin",
    );
  if (absent !== undefined && !complete.correct && absent.correct)
    tags.push("wrong on the clip, right on the twin");
  if (blind?.correct === true) tags.push("right without pictures");
  const control = answers.filter(
    (one) => one.run === run && one.record.intervention.name === "random-removal",
  );
  if (
    complete.correct &&
    absent?.correct === false &&
    control.length > 0 &&
    control.every(({ record }) => record.correct)
  )
    tags.push("hangs on the decisive frames alone");
  return [...tags, ...troublesOf(complete)];
};

/** Where runs differ on the complete clip. */
const pairTags = (answers: readonly ItemAnswer[], runs: readonly string[]): string[] =>
  runs.flatMap((of) =>
    runs.flatMap((against) => {
      if (of === against) return [];
      const [a, b] = [named(answers, of, "complete"), named(answers, against, "complete")];
      return a?.correct === true && b?.correct === false ? [`${of} right, ${against} wrong`] : [];
    }),
  );

/** The questions of runs with what was said under every view, those first that tell runs or views apart. */
export const itemsOf = (runs: readonly ComparedRun[]): ComparedItem[] => {
  const byQuestion = new Map<string, ItemAnswer[]>();
  for (const { name, records } of runs)
    for (const record of records) {
      const { name: view, params } = record.intervention;
      const isPlain = ["complete", "absent", "blind", "random-removal"].includes(view);
      const answer = { run: name, view: isPlain ? view : recipeText({ name: view, params }), record };
      const before = byQuestion.get(record.questionId);
      if (before === undefined) byQuestion.set(record.questionId, [answer]);
      else before.push(answer);
    }
  const names = runs.map(({ name }) => name);
  const opensGraded = gradesOpenAnswers(runs.flatMap(({ records }) => records));
  const isGraded = ({ answerKind }: EvaluationRecord): boolean => answerKind !== "open" || opensGraded;
  const items = [...byQuestion].map(([id, answers]): ComparedItem => {
    const own = names.flatMap((run) =>
      runTags(answers, run, isGraded(answers[0]!.record)).map((tag) =>
        names.length === 1 ? tag : `${run}: ${tag}`,
      ),
    );
    return { id, answers, tags: [...pairTags(answers, names), ...own] };
  });
  const rank = ({ tags }: ComparedItem): number => {
    if (tags.some((tag) => / right, .* wrong$/.test(tag))) return 0;
    if (tags.some((tag) => tag.endsWith("wrong on the twin"))) return 1;
    return tags.some((tag) => troubles.some((trouble) => tag.endsWith(trouble))) ? 2 : 3;
  };
  return items
    .map((item, at) => ({ item, at, order: rank(item) }))
    .sort((a, b) => a.order - b.order || a.at - b.at)
    .map(({ item }) => item);
};
