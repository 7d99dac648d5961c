/**
 * Kills a short SFT, an adapter's and GRPO at random moments, many times, and checks that every run that goes on ends with the weights,
 * moments, curves and roll-outs of the undisturbed one, bit for bit. A second call in the same folder goes on counting.
 * With --train it is the command `train` that is killed, of everything and of an adapter in turns.
 * Run: node scripts/kill-training.ts --out DIR [--train] [--kills 100] [--seconds 110]
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder } from "../src/core/files.ts";
import {
  type KillCount,
  type KilledProgram,
  killTraining,
  trainCommand,
  trainingLoops,
} from "../test/e2e/killed-training.ts";
import { makeTrainingSet, trainingModel } from "../test/training-set.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    train: { type: "boolean", default: false },
    kills: { type: "string", default: "100" },
    seconds: { type: "string", default: "110" },
  },
});
if (values.out === undefined) throw new Error("name a folder: --out DIR");
makeFolder(values.out);
const journal = join(values.out, "kills.jsonl");
const before = existsSync(journal)
  ? readFileSync(journal, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line): KillCount => JSON.parse(line) as KillCount)
  : [];
const sum = (counts: readonly KillCount[], what: keyof KillCount): number =>
  counts.reduce((total, count) => total + count[what], 0);
const { out } = values;
/** What is killed: the loops, or `train` on a small data set, and where. */
const programOf = async (): Promise<{ readonly program: KilledProgram; readonly work: string }> => {
  if (!values.train) return { program: trainingLoops, work: out };
  const isWhole = before.length % 2 === 0;
  const name = isWhole ? "whole" : "adapter";
  const work = join(out, name);
  makeFolder(work);
  const [model, set] = [join(out, "model"), join(out, "set")];
  if (!existsSync(model)) trainingModel(out);
  if (!existsSync(join(set, "dataset.json"))) await makeTrainingSet(out);
  return {
    program: trainCommand(model, set, "run", isWhole ? [] : ["lora.rank=4", "lora.vision=true"]),
    work,
  };
};

const left = Number(values.kills) - sum(before, "kills");
const { program, work } = await programOf();
const done =
  left > 0 ? await killTraining(program, work, `${before.length}`, left, Number(values.seconds)) : undefined;
if (done !== undefined) appendFileSync(journal, `${JSON.stringify(done)}\n`);
const all = done === undefined ? before : [...before, done];
const kills = sum(all, "kills");
process.stdout.write(`${kills} kills; ${sum(all, "compared")} runs went on and ended bit for bit the same\n`);
