import { join } from "node:path";
import { assert } from "../../core/errors.ts";
import { openEngine } from "../../engine/engines.ts";
import { type EvaluationRecord, readRecords } from "../../evaluation/records.ts";
import { evaluatedRunFiles } from "../../evaluation/report/description.ts";
import { batchRules } from "../../model/batch-rules.ts";
import { meanOf } from "../../objectives/group-statistics.ts";
import type { ReproArm } from "../../recipes/repro/study.ts";
import { readRun } from "../../runs/read-run.ts";
import { clockPrefix } from "../../runs/run-folder.ts";
import type { HeldOutClip } from "../../training/clip.ts";
import { contrastOf, winOf } from "../../training/contrast-monitor.ts";
import { closedPrompts, wholeAnswerProbabilities } from "../../training/valid-answers.ts";
import type { FragmentQuestion } from "../fragments/memory-fragments.ts";
import { type TestQuestions, testStage } from "../quickstart/evaluation.ts";
import type { StageContext } from "../quickstart/training.ts";
import { askFragments } from "./fragment-measure.ts";
import type { AskedQuestion, Measures } from "./measures.ts";

/** What each question was answered under every intervention: the share of draws that are right. */
export const askedQuestions = (
  records: readonly Pick<EvaluationRecord, "questionId" | "videoId" | "intervention" | "correct">[],
  samples: readonly Pick<TestQuestions["samples"][number], "id" | "provenance">[],
): AskedQuestion[] => {
  const about = new Map(samples.map(({ id, provenance }) => [id, provenance["aboutEvent"] === true]));
  const found = new Map<string, { readonly clip: string; readonly right: Map<string, number[]> }>();
  for (const { questionId, videoId, intervention, correct } of records) {
    const { right } =
      found.get(questionId) ?? found.set(questionId, { clip: videoId, right: new Map() }).get(questionId)!;
    const draws = right.get(intervention.name);
    if (draws === undefined) right.set(intervention.name, [correct ? 1 : 0]);
    else draws.push(correct ? 1 : 0);
  }
  return [...found].flatMap(([question, { clip, right }]): AskedQuestion[] => {
    const shareOf = (name: string): number | null => {
      const draws = right.get(name);
      return draws === undefined ? null : meanOf(draws);
    };
    const complete = shareOf("complete");
    if (complete === null) return [];
    const [absent, control] = [shareOf("absent"), shareOf("random-removal")];
    return [{ question, clip, aboutEvent: about.get(question) === true, complete, absent, control }];
  });
};

/** The last number of every metric, clocks left out; those that are not logged at every step keep their newest one. */
export const lastMetrics = (
  rows: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> => {
  const last: Record<string, number> = {};
  for (const { step: _, timeSeconds: __, ...metrics } of rows)
    for (const [name, value] of Object.entries(metrics))
      if (Number.isFinite(value) && !name.startsWith(clockPrefix)) last[name] = value;
  return last;
};

const chunk = 32;

/** What an arm is asked. */
export interface AskedOfArm {
  readonly heldOut: readonly HeldOutClip[];
  readonly questions: TestQuestions;
  readonly fragments: readonly FragmentQuestion[];
}

/**
 * Wins on held-out clips under one shared end token, the probability of the right answer to event questions, and what is
 * answered about fragments.
 */
const lookAt = async (
  checkpoint: string,
  { heldOut, fragments }: AskedOfArm,
  { recipe, language }: StageContext,
  block: number,
): Promise<Pick<Measures, "wins" | "right" | "fragments">> => {
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
      const probability = all[i]![text.options?.indexOf(text.answer) ?? -1];
      assert(probability !== undefined, `the answer to ${text.sampleId} is one of its options`);
      right.push({ question: text.sampleId, clip: clip.id, probability });
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
    ...(fragments.length > 0 && { fragments: await askFragments(trainee, fragments, language) }),
  };
};

/** Asks a trained arm everything. */
export const measureArm = async (
  arm: ReproArm,
  trained: { readonly checkpoint: string; readonly seconds: number; readonly steps: number },
  asked: AskedOfArm,
  label: string,
  context: StageContext,
): Promise<Measures> => {
  const { out, recipe } = context;
  const every = Math.round(recipe.framesPerSecond / (arm.askedAt ?? recipe.framesPerSecond));
  const { checkpoint, seconds, steps } = trained;
  const { questions } = asked;
  await testStage({ title: arm.name, checkpoint, blind: false, label, every }, questions, context);
  const records: EvaluationRecord[] = [];
  const file = join(out, evaluatedRunFiles.records, `${arm.name.replaceAll(".", "-")}.jsonl`);
  for await (const record of readRecords(file)) records.push(record);
  const block =
    arm.train?.kind === "sft" && arm.train.contrast !== null
      ? arm.train.contrast.block
      : recipe.sft.contrast.block;
  return {
    schema: "videoperceiver/repro-measures@1",
    arm: arm.name,
    seed: recipe.seed,
    seconds,
    steps,
    ...(await lookAt(checkpoint, asked, context, block)),
    asked: askedQuestions(records, questions.samples),
    last: arm.train === null ? {} : lastMetrics(readRun(join(out, arm.name)).metrics),
  };
};
