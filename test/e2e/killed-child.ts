// The program that killed.test.ts kills: goes on with the run in its first argument, or begins it, up to the last step.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRun, resumeRun } from "../../src/runs/run.ts";

const [dir, last] = [process.argv[2]!, Number(process.argv[3])];
using run = existsSync(join(dir, "config.json")) ? resumeRun(dir) : createRun(dir, { last });
process.stdout.write("running\n");
const from = (run.resumedFrom?.state as { sum: number } | undefined) ?? { sum: 0 };
let sum = from.sum;
for (let step = (run.resumedFrom?.step ?? 0) + 1; step <= last; step++) {
  sum += step;
  run.metrics(step, { sum });
  run.rollout({ step, sampleId: String(step), prompt: "p".repeat(200), complete: [], absent: [] });
  if (step % 10 !== 0) continue;
  const write = async (into: string): Promise<void> => {
    for (let file = 0; file < 3; file++) writeFileSync(join(into, `part-${file}`), "w".repeat(5000 + step));
  };
  await run.checkpoint(step, write, { sum });
}
