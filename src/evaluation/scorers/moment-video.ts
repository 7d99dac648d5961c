import { judgeParams, judgeScorer } from "../judge-client.ts";
import { defineScorer, type ScorerPlugin } from "../scorer.ts";

/** Whether the judge calls the answers the same; null: it cannot be told. */
export const consistencyOf = (said: string): boolean | null => {
  const found = /"is_consistent"\s*:\s*(true|false)/i.exec(said)?.[1];
  return found === undefined ? null : found.toLowerCase() === "true";
};

/**
 * Moment-Video's open answers: a language model says whether an answer means what the reference means. A verdict that
 * cannot be read is undecided: it counts, and as wrong. Unverified: no published score was reproduced.
 */
const plugin: ScorerPlugin = defineScorer({
  summary: "open answers of moment-video:judged=true: a language model compares them with the reference",
  source:
    "VisionXLab/Moment-Video@47fddcc, eval_llm_judge_openrouter.py; its rules in our words, temperature 0",
  argument: "judge",
  params: judgeParams,
  create: (settings) =>
    judgeScorer(settings, {
      name: "moment-video",
      parts: ["consistent", "undecided"],
      system: "You compare answers strictly and fairly. You write valid JSON and nothing else.",
      question: ({ candidate, reference }) =>
        [
          "Does the model's answer mean the same as the reference?",
          "- Meaning counts, not wording: synonyms, abbreviations and other names of the same thing are the same.",
          "- Details that the reference does not have do no harm as long as all of its meaning is there.",
          "- It is not the same when a key point is missing or contradicted, or when an important fact differs: who or what, action, order, number, identity, whether it happens.",
          "- It is not the same when it is too vague to say that.",
          "- In doubt it is the same only when a reader with common sense would find all of the reference in it.",
          'Answer with JSON only: {"is_consistent": true or false, "reason": "one sentence"}',
          "",
          `Reference: ${reference}`,
          `Model's answer: ${candidate}`,
        ].join("\n"),
      read: (said) => {
        if (said.trim() === "") return undefined;
        const consistent = consistencyOf(said);
        return { consistent: consistent === true ? 1 : 0, undecided: consistent === null ? 1 : 0 };
      },
    }),
});
export default plugin;
