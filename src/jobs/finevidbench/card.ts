import { percent } from "../../pages/format.ts";
import type { RejectionCounts } from "../build/card.ts";
import type { BenchmarkDescription } from "./put-together.ts";

/** One task's questions, and what can be had of them without looking. */
export interface TaskCount {
  readonly task: string;
  readonly questions: number;
  /** How often each letter is right; of orders, how many frames they have. */
  readonly answers: Readonly<Record<string, number>>;
  /** Mean chance of a uniform guess. */
  readonly chance: number;
  /** What option texts that were right elsewhere get; null for orders. */
  readonly textPrior: number | null;
}

/** Cells of a task's row. */
export const taskCells = ({ task, questions, chance, textPrior, answers }: TaskCount): readonly string[] => [
  task,
  String(questions),
  percent(chance),
  textPrior === null ? "–" : percent(textPrior),
  Object.entries(answers)
    .map(([answer, count]) => `${answer} ${count}`)
    .join(", "),
];

/** Heads of those cells. */
export const taskHeads: readonly string[] = [
  "task",
  "questions",
  "chance",
  "text prior",
  "how often each answer is right",
];

/** `card.md` of a benchmark. */
export const benchmarkCard = (
  title: string,
  { note, counts, tasks, contentHash }: BenchmarkDescription,
  rejections: RejectionCounts,
): string => `# ${title}

Questions ${note}.

- ${counts.questions} questions about ${counts.clips} clips; ${counts.rejected} were rejected; content ${contentHash}
- ask them with \`videoperceiver eval finevidbench --data ${title} --subject ...\`

| ${taskHeads.join(" | ")} |
|${taskHeads.map(() => "---").join("|")}|
${tasks.map((task) => `| ${taskCells(task).join(" | ")} |`).join("\n")}

*Text prior*: per cent that a guesser gets who sees no film and knows which option texts were right for other clips.

## What was rejected

${counts.rejected === 0 ? "Nothing." : `| rule | how often | for example |\n|---|---|---|\n${rejections.lines().join("\n")}`}
`;
