import { seededRandom } from "../../core/random.ts";
import type { EvaluationRecord } from "../records.ts";
import type { ExampleKind } from "./model.ts";

/** A question as the main subject answered it on the clip and on its twin. */
export interface ExampleCandidate {
  readonly kind: ExampleKind;
  readonly complete: EvaluationRecord;
  readonly absent: EvaluationRecord;
  /** True when it was right under every draw of the control, too. */
  readonly isControlled: boolean;
}

/** Every question that `subject` was asked on the complete clip and on its twin. */
export const exampleCandidates = (
  records: readonly EvaluationRecord[],
  subject: string,
): ExampleCandidate[] => {
  const own = records.filter((record) => record.subject === subject && record.outcome !== "unscored");
  const under = (name: string): EvaluationRecord[] =>
    own.filter(
      ({ intervention, draw }) => intervention.name === name && (draw === 0 || name === "random-removal"),
    );
  const twins = new Map(under("absent").map((record) => [record.questionId, record]));
  const controls = new Map<string, boolean>();
  for (const { questionId, correct } of under("random-removal"))
    controls.set(questionId, correct && controls.get(questionId) !== false);
  return under("complete").flatMap((complete): ExampleCandidate[] => {
    const absent = twins.get(complete.questionId);
    if (absent === undefined) return [];
    const kind = !complete.correct ? "missed" : absent.correct ? "kept" : "flip";
    return [{ kind, complete, absent, isControlled: controls.get(complete.questionId) === true }];
  });
};

/** How many candidates there are of each kind. */
export const countKinds = (candidates: readonly ExampleCandidate[]): Record<ExampleKind, number> => {
  const counts = { flip: 0, kept: 0, missed: 0 };
  for (const { kind } of candidates) counts[kind]++;
  return counts;
};

/**
 * Two flips, one success and one failure of different clips, in a seeded order: flips first where the control stayed
 * right, and twins that change what is shown before such as do not.
 */
export const chooseExamples = (
  candidates: readonly ExampleCandidate[],
  seed: number,
): readonly ExampleCandidate[] => {
  const shuffled = seededRandom(seed, "examples").shuffled(candidates);
  const changes = ({ complete, absent }: ExampleCandidate): boolean =>
    absent.painted !== undefined || complete.shownFrames.some((frame, t) => frame !== absent.shownFrames[t]);
  const rank = (one: ExampleCandidate): number =>
    (changes(one) ? 0 : 2) + (one.kind !== "flip" || one.isControlled ? 0 : 1);
  const sorted = shuffled.map((one) => ({ one, order: rank(one) })).sort((a, b) => a.order - b.order);
  const chosen: ExampleCandidate[] = [];
  for (const kind of ["flip", "flip", "kept", "missed"] as const) {
    const next = sorted.find(
      ({ one }) =>
        one.kind === kind && chosen.every(({ complete }) => complete.videoId !== one.complete.videoId),
    );
    if (next !== undefined) chosen.push(next.one);
  }
  return chosen;
};
