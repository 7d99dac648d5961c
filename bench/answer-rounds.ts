import { createInterface } from "node:readline";
import type { RoundAnswer } from "./define-bench.ts";

/**
 * The child's side of a benchmark: calls `round` once per line on standard input and answers with its result on
 * standard output; ends when the parent closes standard input. Everything else belongs on standard error.
 */
export const answerRounds = async (round: (round: number) => Promise<RoundAnswer>): Promise<void> => {
  let count = 0;
  for await (const _line of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await round(count++))}\n`);
};
