import { questionText } from "../dataset/question.ts";
import type { BenchmarkSample, OwnLayout } from "./benchmarks.ts";
import type { PredictedView, Prediction, Predictions } from "./predictions.ts";

/** What is left of a question however it is spaced and marked. */
const plain = (question: string): string =>
  question
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "")
    .join(" ");

const listOf = (id: string): string => id.slice(0, id.lastIndexOf("/") + 1);

/**
 * Predictions whose names are places in a list, under the names of the questions that they say they answer: an item that
 * is missing in front of them moves none. What says that it answers a question that is not there belongs to none.
 */
export const namedByQuestion = (
  predictions: Predictions,
  samples: readonly BenchmarkSample[],
  { asked = questionText }: Pick<OwnLayout, "asked"> = {},
): Predictions => {
  const given = predictions.views.flatMap(({ answers }) => answers.flatMap((draw) => [...draw.values()]));
  if (!given.some(({ question }) => question !== undefined)) return predictions;
  const askedAs = new Map<string, string>();
  const byText = new Map<string, string[]>();
  for (const sample of samples) {
    const text = plain(asked(sample));
    askedAs.set(sample.id, text);
    byText.set(text, [...(byText.get(text) ?? []), sample.id]);
  }
  const nameOf = ({ id, question }: Prediction): string => {
    if (question === undefined) return id;
    const text = plain(question);
    if (askedAs.get(id) === text) return id;
    const named = byText.get(text) ?? [];
    // Some write all that a model was told in the question's place.
    if (named.length === 0 && askedAs.has(id) && ` ${text} `.includes(` ${askedAs.get(id)} `)) return id;
    const near = named.filter((one) => listOf(one) === listOf(id));
    const [only, ...others] = near.length > 0 ? near : named;
    return only !== undefined && others.length === 0 ? only : `${id} (another question)`;
  };
  const repeated = [...predictions.repeated];
  const renamed = (view: PredictedView): PredictedView => ({
    ...view,
    answers: view.answers.map((draw) => {
      const answers = new Map<string, Prediction>();
      for (const prediction of draw.values()) {
        const id = nameOf(prediction);
        if (answers.has(id))
          repeated.push({ id, where: predictions.file, what: "another answer to the same question" });
        else answers.set(id, { ...prediction, id });
      }
      return answers;
    }),
  });
  const views = predictions.views.map(renamed);
  const names = new Map(given.map((one) => [one.id, nameOf(one)]));
  const unusable = predictions.unusable.map((one) => ({ ...one, id: names.get(one.id) ?? one.id }));
  return { ...predictions, views, repeated, unusable };
};
