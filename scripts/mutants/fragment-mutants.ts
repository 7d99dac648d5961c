import type { Mutant } from "./mutants.ts";

const rewards = ["test/unit/objectives/fragment-rewards.test.ts"];
const mix = "src/training/mix.ts";
const mixTests = ["test/unit/training/mix.test.ts"];

/** Mutants of training on fragment tasks: rewards of their labels, the mix of data sets, prompts without a twin. */
export const fragmentMutants: readonly Mutant[] = [
  {
    id: "f1-of-frames-is-recall",
    file: "src/grading/index-sets.ts",
    line: "return (2 * shared) / (wanted.size + given.size);",
    to: "return shared / Math.max(1, wanted.size);",
    tests: rewards,
  },
  {
    id: "tau-sign",
    file: "src/grading/permutations.ts",
    line: "for (let j = i + 1; j < n; j++) sum += place.get(a[i]!)! < place.get(a[j]!)! ? 1 : -1;",
    to: "for (let j = i + 1; j < n; j++) sum += place.get(a[i]!)! > place.get(a[j]!)! ? 1 : -1;",
    tests: rewards,
  },
  {
    id: "order-tau-without-exactness",
    file: "src/objectives/rewards/order-tau.ts",
    line: 'return question.answerKind === "permutation" ? exactShare * exact + (1 - exactShare) * score : exact;',
    to: 'return question.answerKind === "permutation" ? score + 0 * exactShare : exact;',
    tests: rewards,
  },
  {
    id: "exact-gives-partial-credit",
    file: "src/objectives/rewards/exact.ts",
    line: "score: ({ completion, question }) => (gradeAnswer({ ...question, completion }).score === 1 ? 1 : 0),",
    to: "score: ({ completion, question }) => gradeAnswer({ ...question, completion }).score,",
    tests: rewards,
  },
  {
    id: "mix-without-weights",
    file: mix,
    line: "this.#credit[at]! += weight;",
    to: "this.#credit[at]! += 0 * weight + this.#total / this.#weights.length;",
    tests: mixTests,
  },
  {
    id: "mix-of-companies",
    file: mix,
    line: 'const companies = [...Map.groupBy(parts.keys(), (at) => parts[at]!.company ?? "").values()];',
    to: "const companies = [[...parts.keys()]];",
    tests: mixTests,
  },
  {
    id: "twinless-compared",
    file: "src/training/rollout.ts",
    line: "const twinned = prompts.filter(({ hasTwin }) => hasTwin !== false);",
    to: "const twinned = prompts;",
    tests: ["test/unit/training/conversation-prompts.test.ts"],
  },
  {
    id: "repeated-picture-is-not",
    file: "src/jobs/fragments/memory-fragments.ts",
    line: "return { ...question, pictures: pictures.map(() => one) };",
    to: "return { ...question, pictures: pictures.map((own, at) => (at > 0 ? own : one)) };",
    tests: ["test/unit/jobs/memory-fragments.test.ts"],
  },
];
