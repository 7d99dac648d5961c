import type { EvaluationResult } from "../../evaluation/evaluate.ts";
import type { JobContext } from "../job-context.ts";

/** Says why a subject cannot be shown views that were asked for. */
export const tellRefused = ({ notApplicable }: EvaluationResult, { warn }: JobContext): void => {
  for (const [reason, { length }] of Map.groupBy(notApplicable, ({ reason }) => reason))
    if (reason !== undefined) warn(`${length} questions were not asked as wanted: ${reason}`);
};

/** Questions that could not be shown as wanted, by view. */
export const countViews = ({ notApplicable }: EvaluationResult): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(notApplicable, ({ intervention }) => intervention)].map(([view, { length }]) => [
      view,
      length,
    ]),
  );
