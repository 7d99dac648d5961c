import { basename } from "node:path";
import type { BenchmarkSample } from "./benchmarks.ts";
import type { PredictedView, Predictions } from "./predictions.ts";
import type { Answer, AnswerRequest, Subject } from "./subject.ts";

const answerOf = (view: PredictedView | undefined, { sample, draw }: AnswerRequest): Answer => {
  const prediction = view?.answers[draw]?.get(sample.id);
  if (prediction === undefined) return { text: "", finishReason: "missing", error: "the file has no answer" };
  const { text, reason = "no text", finishReason } = prediction;
  if (text !== null) return { text, finishReason };
  const failed = finishReason === "error" || finishReason === "timeout";
  return { text: "", finishReason: failed ? finishReason : "missing", error: reason };
};

/** Answers that somebody else's program wrote down; a question that the file does not have is answered "missing". */
export const predictionSubject = (predictions: Predictions): Subject => {
  const views = new Map(predictions.views.map((view) => [JSON.stringify(view.intervention), view]));
  return {
    name: predictions.subject ?? basename(predictions.file).replace(/\.jsonl?$/, ""),
    recipe: {
      name: "predictions",
      params: { file: basename(predictions.file), contentHash: predictions.contentHash },
    },
    answer: async (batch) =>
      batch.map((request) => answerOf(views.get(JSON.stringify(request.intervention)), request)),
  };
};

/** Samples that a view of a prediction file speaks of at all. */
export const isAnswered = (view: PredictedView, { id }: BenchmarkSample): boolean =>
  view.answers.some((answers) => answers.has(id));
