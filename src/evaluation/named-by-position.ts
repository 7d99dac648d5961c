import { DataFormatError } from "../core/errors.ts";
import type { BenchmarkSample } from "./benchmarks.ts";
import type { Predictions } from "./predictions.ts";

const isSame = (reference: string, { answer, options }: BenchmarkSample): boolean => {
  const said = reference.trim().toLowerCase();
  if (answer === null || said === answer.trim().toLowerCase()) return true;
  const at = answer.length === 1 ? answer.charCodeAt(0) - 65 : -1;
  return options?.[at]?.trim().toLowerCase() === said;
};

/**
 * Predictions by number with the names of the questions that stand at these places. Those whose numbers are names of
 * questions stay as they are.
 *
 * @throws {DataFormatError} when a number lies outside, or the reference beside an answer is not that of the question at its place
 */
export const namedByPosition = (
  predictions: Predictions,
  samples: readonly BenchmarkSample[],
): Predictions => {
  const known = new Set(samples.map(({ id }) => id));
  const given = predictions.views.flatMap(({ answers }) => answers.flatMap((draw) => [...draw.values()]));
  const isNumbered = given.every(({ id }) => /^\d+$/.test(id));
  if (!predictions.byPosition || !isNumbered || given.some(({ id }) => known.has(id)))
    return { ...predictions, byPosition: false };
  const outside = given.find(({ id }) => Number(id) >= samples.length);
  if (outside !== undefined)
    throw new DataFormatError("numbered answers do not belong to these annotations", {
      where: predictions.file,
      expected: `numbers of ${samples.length} questions, counted from 0`,
      got: outside.id,
      hint: "give all the annotations that were asked, in their order, or answers with the questions' names",
    });
  const other = given.find(
    ({ id, reference }) => reference !== undefined && !isSame(reference, samples[Number(id)]!),
  );
  if (other !== undefined)
    throw new DataFormatError("numbered answers do not belong to these annotations", {
      where: `${predictions.file}, number ${other.id}`,
      expected: `the reference ${JSON.stringify(samples[Number(other.id)]!.answer)} of ${samples[Number(other.id)]!.id}`,
      got: JSON.stringify(other.reference?.slice(0, 60)),
      hint: "give the annotations in the order in which they were asked",
    });
  const renamed = (id: string): string => samples[Number(id)]!.id;
  return {
    ...predictions,
    views: predictions.views.map((view) => ({
      ...view,
      answers: view.answers.map(
        (draw) => new Map([...draw].map(([id, one]) => [renamed(id), { ...one, id: renamed(id) }])),
      ),
    })),
    repeated: predictions.repeated.map((one) => ({ ...one, id: renamed(one.id) })),
    unusable: predictions.unusable.map((one) => ({ ...one, id: renamed(one.id) })),
  };
};
