/**
 * Does a small model learn the order of time from fragments of unlabelled clips, and by looking? Takes a checkpoint of the
 * quickstart's size (its stage `sft`, or `base` of a study of `repro`), gives it the words of the tasks, and trains it on
 * disorder detection and rearrangement of 3 frames from clips whose motion has one direction: actors move down or to the
 * right, the camera rests or comes nearer. Prints the shares answered rightly about held-out clips, and about the same
 * questions with one picture repeated, where only chance is left. Exits with 1 below 80 % and 60 %, or when one repeated
 * picture is answered clearly better than by chance.
 *
 * Run: node scripts/fragment-order.ts --model FOLDER | --base FOLDER [--base-clips N] [--base-steps N]
 *   [--clips N] [--held N] [--steps N] [--batch N] [--seed N] [--out FOLDER]
 *   [--world one-way|quickstart] [--travel own|long] [--selector NAME] [--rate NUMBER]
 *
 * --base makes such a checkpoint first: the base of `repro fragments` with the script's seed 1, in that folder; what is there
 * already is gone on with. The last line of options changes what makes order easy to learn, one thing at a time: clips of
 * the quickstart's own world, in which actors go any way; how far they go there; another selector; another learning rate.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../src/core/random.ts";
import { openEngine } from "../src/engine/engines.ts";
import { wilsonInterval } from "../src/evaluation/statistics/clustered.ts";
import {
  type FragmentQuestion,
  fragmentQuestion,
  fragmentQuestions,
  fragmentWords,
} from "../src/jobs/fragments/memory-fragments.ts";
import type { JobContext } from "../src/jobs/job-context.ts";
import { makeConfig, makeLanguage } from "../src/jobs/quickstart/language.ts";
import { fragmentDraws, questionClip } from "../src/jobs/repro/fragment-clips.ts";
import { askFragments } from "../src/jobs/repro/fragment-measure.ts";
import { runRepro } from "../src/jobs/repro/run.ts";
import { firstHeldOut, unlabelledClips } from "../src/jobs/repro/unlabelled-clips.ts";
import { batchRules } from "../src/model/batch-rules.ts";
import quickstart from "../src/recipes/quickstart.ts";
import studyOf from "../src/recipes/repro.ts";
import { createRun } from "../src/runs/run.ts";
import type { TrainingClip } from "../src/training/clip.ts";
import { trainSftFrom } from "../src/training/sft.ts";
import { sftBatches } from "../src/training/sft-batches.ts";
import { sftParams } from "../src/training/sft-options.ts";
import type { StepSource } from "../src/training/step-source.ts";
import { worldProfile } from "../src/world/profile.ts";
import { grownCheckpoint } from "./grown-checkpoint.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    base: { type: "string" },
    "base-clips": { type: "string", default: "4400" },
    "base-steps": { type: "string", default: "2000" },
    clips: { type: "string", default: "1500" },
    held: { type: "string", default: "300" },
    steps: { type: "string", default: "1500" },
    batch: { type: "string", default: "32" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
    world: { type: "string", default: "one-way" },
    travel: { type: "string", default: "long" },
    selector: { type: "string", default: "uniform" },
    rate: { type: "string", default: "0.0015" },
  },
});
if ((values.model === undefined) === (values.base === undefined)) {
  console.error(
    "usage: node scripts/fragment-order.ts --model FOLDER | --base FOLDER [--steps N] [--seed N]",
  );
  process.exit(2);
}
const [count, held, steps, clipsPerStep, seed] = [
  values.clips,
  values.held,
  values.steps,
  values.batch,
  values.seed,
].map(Number) as [number, number, number, number, number];
/** Trains the base of `repro fragments`: SFT from new weights on clips of the quickstart's world. */
const madeBase = async (folder: string): Promise<string> => {
  const scale = { clips: Number(values["base-clips"]), steps: Number(values["base-steps"]) };
  const study = studyOf("fragments", { ...scale, threads: 1 });
  const context: JobContext = {
    progress: (label) => ({ update: () => {}, log: (line) => console.log(`${label}: ${line}`) }),
    signal: new AbortController().signal,
    warn: (line) => console.log(line),
  };
  await runRepro(study, { out: folder, seeds: 1, hours: undefined, arms: ["base"] }, context);
  return join(folder, "seed-1", "base", "checkpoints", values["base-steps"]);
};
const model = values.model ?? (await madeBase(values.base!));
const out = values.out ?? mkdtempSync(join(tmpdir(), "fragment-order-"));
const { travel } = worldProfile(values.travel === "long" ? "one-way" : "quickstart", 0);
const profile = worldProfile(values.world, 0, { travel });
const tasks = ["disorder:least=3,most=3", "rearrangement:least=3,most=3"];
const draws = await fragmentDraws({ tasks, selector: values.selector }, seed);
const clips = unlabelledClips(profile, seed, 0, count);
const tested = fragmentQuestions(unlabelledClips(profile, seed, firstHeldOut, held), 1, draws);
console.log(`${clips.length} clips, ${tested.length} questions of ${held} held-out ones`);

/**
 * A question that no other step has: its task by turns, its answer balanced along the numbers, its clip drawn again where
 * one gives none (which no answer decides).
 */
const drawnQuestion = (place: number): FragmentQuestion => {
  const random = seededRandom(seed, "clip of a question", place);
  const made = draws.tasks[place % draws.tasks.length]!;
  const number = Math.floor(place / draws.tasks.length);
  for (;;) {
    const question = fragmentQuestion(made, clips[random.integer(clips.length)]!, number, draws);
    if (question !== undefined) return question;
  }
};

const recipe = { ...quickstart(8, seed), threads: 1 };
const language = makeLanguage(join(out, "tokenizer"), fragmentWords(draws.tasks));
const config = makeConfig(recipe, language);
await grownCheckpoint(model, join(out, "start"), config, language.folder, seed);
const opened = { folder: join(out, "start"), trained: "all", recurringShapes: 4 } as const;
const { engine } = await openEngine(recipe, opened);
const trainee = {
  engine,
  rules: batchRules(config),
  tokens: language.tokens,
  tokenizerFolder: language.folder,
};
const options = sftParams.parse({
  steps,
  clipsPerStep,
  textsPerClip: 1,
  schedule: { learningRate: Number(values.rate), warmupSteps: Math.min(60, steps) },
  monitor: { every: 0 },
  checkpointEvery: steps,
  seed,
});

/** Shares answered rightly, with the pictures and with one of them repeated, of so many questions. */
interface Found {
  readonly asked: number;
  readonly right: number;
  readonly repeated: number;
}
const measured = async (some = tested): Promise<Record<string, Found>> => {
  const asked = await askFragments(trainee, some, language);
  return Object.fromEntries(
    [...Map.groupBy(asked, ({ task }) => task)].map(([task, own]) => {
      const share = (of: (one: (typeof own)[number]) => number): number =>
        own.reduce((sum, one) => sum + of(one), 0) / own.length;
      const [right, repeated] = [share((one) => one.right), share((one) => one.repeated)];
      return [task, { asked: own.length, right, repeated }];
    }),
  );
};
const percent = (share: number): string => (100 * share).toFixed(1);
/** With Wilson's 95 % interval: a clip has one question of a task. */
const between = (share: number, { asked }: Found): string =>
  `${percent(share)} % (${wilsonInterval(share, asked).map(percent).join(" to ")})`;
const told = (found: Record<string, Found>): string =>
  Object.entries(found)
    .map(
      ([task, own]) =>
        `${task} ${between(own.right, own)}, one picture repeated ${between(own.repeated, own)}, of ${own.asked}`,
    )
    .join("; ");

console.log(`before: ${told(await measured())}`);
{
  using run = createRun(join(out, "run"), { model, ...options });
  const progress = { update: (): void => {}, log: (line: string): void => console.log(line) };
  const signal = new AbortController().signal;
  const source: StepSource<TrainingClip> = {
    take: async (step) => {
      if (step % 100 === 1 && step > 1)
        console.log(`step ${step - 1}: ${told(await measured(tested.slice(0, 200)))}`);
      return Array.from({ length: clipsPerStep }, (_, at) =>
        questionClip(drawnQuestion((step - 1) * clipsPerStep + at), language),
      );
    },
    batches: (chosen, objective, means, given, step) => sftBatches(chosen, objective, means, given, step),
  };
  await trainSftFrom(trainee, source, options, { run, progress, signal });
}
const found = await measured();
await engine[Symbol.asyncDispose]();
console.log(`after ${steps} steps of ${clipsPerStep}: ${told(found)}`);
const { disorder, rearrangement } = found as Record<"disorder" | "rearrangement", Found>;
const isAtChance = ({ repeated, asked }: Found, chance: number): boolean =>
  wilsonInterval(repeated, asked)[0] <= chance;
const isLearnt = disorder.right >= 0.8 && rearrangement.right >= 0.6;
const isLooking = isAtChance(disorder, 0.5) && isAtChance(rearrangement, 0.2);
process.exit(isLearnt && isLooking ? 0 : 1);
