import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSamples } from "../../../src/dataset/read.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import { evaluate } from "../../../src/evaluation/evaluate.ts";
import { interventionRegistry } from "../../../src/evaluation/interventions.ts";
import { type EvaluationRecord, writeRecord } from "../../../src/evaluation/records.ts";
import {
  type EvaluatedRun,
  evaluatedRunSchema,
  writeEvaluatedRun,
} from "../../../src/evaluation/report/description.ts";
import type { Answer, AnswerRequest } from "../../../src/evaluation/subject.ts";
import { createRun } from "../../../src/runs/run.ts";
import { generateWorld } from "../../../src/world/generate.ts";
import { worldProfile } from "../../../src/world/profile.ts";

/** Every fourth frame of a clip. */
const positionsOf = ({ clip }: Sample): number[] =>
  clip.timeline.flatMap(({ index }) => ((index as number) % 4 === 0 ? [index as number] : []));

/** The sample with a twin whose event frames show the last frame before the event. */
const withTwin = (sample: Sample): Sample => {
  const inside = sample.clip.timeline.filter(({ timeSeconds }) =>
    sample.events!.some(
      ({ startSeconds, endSeconds }) => timeSeconds >= startSeconds && timeSeconds < endSeconds,
    ),
  );
  const from = Math.max(0, (inside[0]!.index as number) - 1);
  const anchor = from - (from % 4);
  return {
    ...sample,
    absent: {
      keyFrames: inside.map(({ index }) => index),
      replacements: inside.map(({ index }) => ({ index, from: anchor })),
      builder: { name: "span", params: {} },
    },
  };
};

/** Right on clips that show their event, on the second clip only; right always on the third; wrong elsewhere. */
const said = ({ sample, view, positions_T }: AnswerRequest, clips: readonly string[]): string => {
  const at = clips.indexOf(sample.clip.sha256!);
  const isWhole = view.shown_T.every((frame, t) => frame === positions_T[t]);
  const wrong = sample.options!.find((option) => option !== sample.answer)!;
  if (view.withoutVideo || at === 0) return wrong;
  return at === 2 || isWhole ? sample.answer! : wrong;
};

/** A small world, two trained stages' run folders, and answers of a scripted subject: everything a report is made of. */
export const makeEvaluatedRun = async (
  folder: string,
): Promise<{ readonly description: EvaluatedRun; readonly records: readonly EvaluationRecord[] }> => {
  await generateWorld({
    count: 7,
    heldOut: 4,
    seed: 5,
    profile: worldProfile("quickstart", 0),
    out: join(folder, "world"),
    workers: 1,
  });
  const samples: Sample[] = [];
  for await (const sample of readSamples(join(folder, "world")))
    if (sample.split === "test" && sample.answerKind === "choice") samples.push(withTwin(sample));
  const clips = [...new Set(samples.map(({ clip }) => clip.sha256))];
  const { records } = await evaluate({
    samples,
    subject: {
      name: "RL",
      answer: async (batch) =>
        batch.map((request): Answer => ({ text: said(request, clips), finishReason: "stop" })),
    },
    interventions: await Promise.all(
      ["complete", "absent", "random-removal", "blind"].map((name) => interventionRegistry.make(name)),
    ),
    frames: { value: positionsOf, recipe: { name: "every", params: { step: 4 } } },
    benchmark: {
      recipe: { name: "world", params: { answerKinds: ["choice"] } },
      version: "1",
      split: "test",
    },
    runId: "rl",
    seed: 1,
  });
  mkdirSync(join(folder, "evaluation"));
  writeFileSync(
    join(folder, "evaluation", "rl.jsonl"),
    records.map((record) => `${writeRecord(record)}\n`).join(""),
  );
  {
    using sft = createRun(join(folder, "sft"), {
      stage: "sft",
      options: {
        clipsPerStep: 16,
        textsPerClip: 4,
        losses: { "cross-entropy": {}, contrastive: { weight: 0.1, block: 2, temperature: 0.07 } },
      },
    });
    for (let step = 1; step <= 3; step++) sft.metrics(step, { crossEntropy: 3 - step, v2v: 1 / step });
  }
  {
    using rl = createRun(join(folder, "rl"), {
      stage: "rl",
      options: { lambda: 0.3, refeedTries: 2, epsilon: 1 },
    });
    for (let step = 1; step <= 2; step++) rl.metrics(step, { quality: step / 2, qualityAbsent: 0 });
  }
  const row = { subject: "RL", absent: null, control: null, stage: null };
  const description: EvaluatedRun = {
    schema: evaluatedRunSchema,
    title: "A scripted subject",
    summary: "It knows what it was told.",
    command: "npx videoperceiver none",
    seed: 3,
    scoring: "strict",
    data: "world",
    pairs: null,
    stages: [
      { folder: "sft", title: "SFT" },
      { folder: "rl", title: "RL" },
    ],
    rows: [
      { ...row, name: "Blind", complete: "blind" },
      { ...row, name: "RL", complete: "complete", absent: "absent", control: "random-removal", stage: "rl" },
    ],
    mainRow: "RL",
    blindRow: "Blind",
    comparisons: [["RL", "Blind"]],
    configuration: { lambda: 0.3 },
  };
  writeEvaluatedRun(folder, description);
  return { description, records };
};
