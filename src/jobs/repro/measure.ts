import { join } from "node:path";
import { openEngine } from "../../engine/engines.ts";
import { type EvaluationRecord, readRecords } from "../../evaluation/records.ts";
import { evaluatedRunFiles } from "../../evaluation/report/description.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ReproArm } from "../../recipes/repro/study.ts";
import { readRun } from "../../runs/read-run.ts";
import type { HeldOutClip } from "../../training/clip.ts";
import { contrastOf, winOf } from "../../training/contrast-monitor.ts";
import { closedPrompts, wholeAnswerProbabilities } from "../../training/valid-answers.ts";
import { type TestQuestions, testStage } from "../quickstart/evaluation.ts";
import type { StageContext } from "../quickstart/training.ts";
import type { AskedQuestion, Measures } from "./measures.ts";

const asked = (records: readonly EvaluationRecord[], questions: TestQuestions): AskedQuestion[] => {
  const about = new Map(
    questions.samples.map(({ id, provenance }) => [id, provenance["aboutEvent"] === true]),
  );
  const found = new Map<string, Record<string, number>>();
  const clips = new Map<string, string>();
  for (const { questionId, videoId, intervention, correct } of records) {
    found.set(questionId, { ...found.get(questionId), [intervention.name]: correct ? 1 : 0 });
    clips.set(questionId, videoId);
  }
  return [...found].flatMap(([question, by]) => {
    const { complete } = by;
    if (complete === undefined) return [];
    return [
      {
        question,
        clip: clips.get(question)!,
        aboutEvent: about.get(question) === true,
        complete,
        absent: by["absent"] ?? null,
        control: by["random-removal"] ?? null,
      },
    ];
  });
};

const chunk = 32;

/** Wins on held-out clips under one shared end token, and the probability of the right answer to event questions. */
const lookAt = async (
  checkpoint: string,
  heldOut: readonly HeldOutClip[],
  { recipe, language }: StageContext,
  block: number,
): Promise<Pick<Measures, "wins" | "right">> => {
  const request = { folder: checkpoint, trained: "none", recurringShapes: 4 } as const;
  const { config, engine: opened } = await openEngine(recipe, request);
  await using engine = opened;
  const trainee = { engine, rules: batchRules(config), tokens: language.tokens };
  const seen = heldOut.filter(({ clip }) => clip.absentSteps.size > 0);
  const clips = seen.map(({ clip }) => clip);
  const place = { block, encoding: "shared" } as const;
  const twins = await contrastOf(trainee, clips, (i) => clips[i]!.absentSteps, place);
  const frozen = await contrastOf(trainee, clips, (i) => seen[i]!.frozenSteps, place);
  const prompts = closedPrompts(clips, clips.length).filter(({ text }) => text.aboutEvent);
  const right: Measures["right"][number][] = [];
  for (let start = 0; start < prompts.length; start += chunk) {
    const some = prompts.slice(start, start + chunk);
    const all = await wholeAnswerProbabilities(trainee, some);
    some.forEach(({ clip, text }, i) => {
      const place = text.options?.indexOf(text.answer) ?? -1;
      right.push({ question: text.sampleId, clip: clip.id, probability: all[i]![place] ?? 0 });
    });
  }
  return {
    wins: twins.map((twin, i) => ({
      clip: twin.id,
      twin: winOf(twin),
      frozen: winOf(frozen[i]!),
      cosine: twin.cosine,
    })),
    right,
  };
};

/** Asks a trained arm everything. */
export const measureArm = async (
  arm: ReproArm,
  trained: { readonly checkpoint: string; readonly seconds: number; readonly steps: number },
  heldOut: readonly HeldOutClip[],
  questions: TestQuestions,
  label: string,
  context: StageContext,
): Promise<Measures> => {
  const { out, recipe } = context;
  const every = Math.round(recipe.framesPerSecond / (arm.askedAt ?? recipe.framesPerSecond));
  const { checkpoint, seconds, steps } = trained;
  await testStage({ title: arm.name, checkpoint, blind: false, label, every }, questions, context);
  const records: EvaluationRecord[] = [];
  const file = join(out, evaluatedRunFiles.records, `${arm.name.replaceAll(".", "-")}.jsonl`);
  for await (const record of readRecords(file)) records.push(record);
  const block =
    arm.train?.kind === "sft" && arm.train.contrast !== null
      ? arm.train.contrast.block
      : recipe.sft.contrast.block;
  const {
    timeSeconds: _,
    step: __,
    ...last
  } = arm.train === null
    ? { timeSeconds: 0, step: 0 }
    : (readRun(join(out, arm.name)).metrics.at(-1) ?? { timeSeconds: 0, step: 0 });
  return {
    schema: "videoperceiver/repro-measures@1",
    arm: arm.name,
    seed: recipe.seed,
    seconds,
    steps,
    ...(await lookAt(checkpoint, heldOut, context, block)),
    asked: asked(records, questions),
    last: Object.fromEntries(Object.entries(last).filter(([, value]) => Number.isFinite(value))),
  };
};
