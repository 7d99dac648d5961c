/** `train` against a script with transformers and peft: the loss of every step, and what the saved folders answer. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message, Sample } from "../../src/dataset/sample.ts";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { streamFrames } from "../../src/frames/read-frames.ts";
import { resizeAntialias } from "../../src/frames/resize-antialias.ts";
import {
  conversationOf,
  type PlanMeans,
  type PlannedMedia,
  planConversations,
} from "../../src/jobs/train/plan-clip.ts";
import { Dropped, readRows, type TrainingRows } from "../../src/jobs/train/rows.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { conversationTokens } from "../../src/model/conversation.ts";
import { familyOf, readConfigFile } from "../../src/model/families.ts";
import { loadProcessor, type Processor } from "../../src/model/processor.ts";
import { readAnswers, readRun } from "../../src/runs/read-run.ts";
import { batchAt } from "../../src/training/order.ts";
import { openVideoService, type VideoService } from "../../src/video/service.ts";
import { type NamedTensor, writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { makeTrainingSet, trainingModel } from "../training-set.ts";
import { oracleMissing, runPython } from "./python.ts";

const isMissing = oracleMissing("train against transformers and peft");
const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const work = mkdtempSync(join(tmpdir(), "train-oracle-"));
afterAll(() => rmSync(work, { recursive: true }));

const [steps, clipsPerStep, newTokens] = [20, 12, 8];
const settings: Readonly<Record<string, unknown>> = {
  steps,
  clipsPerStep,
  // So small that every step takes four batches or more.
  positionsPerBatch: 48,
  "look.minPixels": 784,
  "look.maxPixels": 4704,
  "schedule.learningRate": 1e-3,
  "optimizer.weightDecay": 0.01,
  "watch.validateEvery": steps,
  "validation.split": "held-out",
  "validation.maxNewTokens": newTokens,
};

/** A sample as the reference script takes it. */
interface OracleSample {
  readonly messages: readonly Message[];
  readonly media: readonly { readonly kind: string; readonly tensor: string }[];
  readonly positions: readonly number[];
  readonly next: number;
}

/** Frames of a visual at the size at which the model takes them, as rgb24. */
const framesOf = async (
  { kind, file, indices, sizes }: PlannedMedia,
  processor: Processor,
  video: VideoService,
): Promise<Uint8Array[]> => {
  if (kind === "image") {
    const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return [processor.bring(new Uint8Array(data), info, sizes)];
  }
  const found = new Map<number, Uint8Array>();
  const request = { select: { kind: "indices", indices: [...new Set(indices)] } } as const;
  for await (const batch of streamFrames(video, file, request))
    batch.frames.forEach(({ index }, at) => {
      found.set(index, processor.bring(pixelsOf(batch, at), batch, sizes).slice());
    });
  return indices.map((index) => found.get(index)!);
};

describe.skipIf(isMissing)("20 steps of train", () => {
  let model: string;
  let set: string;
  let config: ModelConfig;
  let rows: TrainingRows;
  /** By group, one a conversation; none of a group that cannot be read. */
  let trained: OracleSample[][];
  let asked: { readonly id: string; readonly sample: OracleSample }[];
  const tensors: NamedTensor[] = [];
  const tensorFile = join(work, "frames.safetensors");

  const oracleSamples = async (
    group: TrainingRows["groups"][number],
    isPrompt: boolean,
    means: PlanMeans,
    video: VideoService,
  ): Promise<{ readonly id: string; readonly sample: OracleSample }[]> => {
    const planned = await planConversations(group, means, new AbortController().signal);
    if (planned === undefined) return [];
    const media: { kind: string; tensor: string }[] = [];
    for (const one of planned.media) {
      const frames = await framesOf(one, means.processor, video);
      const { width, height } = one.size;
      const data = Float32Array.from(frames.flatMap((frame) => [...frame]));
      const tensor = `frames-${tensors.length}`;
      tensors.push({ name: tensor, shape: [frames.length, height, width, 3], data });
      media.push({ kind: one.kind, tensor });
    }
    const messagesOf = (sample: Sample): Message[] =>
      isPrompt ? [...sample.messages] : conversationOf(sample);
    return group.samples.map((sample) => {
      const messages = messagesOf(sample);
      const { positions, next } = conversationTokens(
        messages,
        planned.media,
        means.processor,
        config,
        isPrompt,
      );
      return { id: sample.id, sample: { messages, media, positions: [...positions], next } };
    });
  };

  beforeAll(async () => {
    model = trainingModel(work);
    set = await makeTrainingSet(work);
    config = await readConfigFile(model);
    const dropped = new Dropped(() => {});
    rows = await readRows([set], { train: "train", heldOut: "held-out" }, dropped);
    await using video = openVideoService({ workers: 1 });
    const processor = loadProcessor(model, familyOf(config).processor, resizeAntialias);
    const look = { minPixels: 784, maxPixels: 4704 };
    const means: PlanMeans = { processor, config, video, look, mostTokens: 4096, dropped };
    trained = [];
    for (const group of rows.groups)
      trained.push((await oracleSamples(group, false, means, video)).map(({ sample }) => sample));
    asked = [];
    for (const group of rows.heldOut) asked.push(...(await oracleSamples(group, true, means, video)));
    writeSafetensors(tensorFile, tensors, "F32");
  });

  /** Trains here. @returns the run's folder */
  const train = (name: string, more: Readonly<Record<string, unknown>>): string => {
    const out = join(work, name);
    const given = Object.entries({ ...settings, ...more }).flatMap(([key, value]) => [
      "--set",
      `${key}=${JSON.stringify(value)}`,
    ]);
    const words = ["train", "sft", "--model", model, "--data", set, "--threads", "1", "--out", out, ...given];
    const { status, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return out;
  };

  test.each([
    ["whole", {}],
    ["an adapter of the language model", { "lora.rank": 8, "schedule.learningRate": 1e-2 }],
    ["an adapter of all", { "lora.rank": 4, "lora.vision": true, "lora.rsLora": true }],
  ] as const)(
    "%s: every step's loss, and the saved folder's answers, are those of the script",
    async (name, more) => {
      const out = train(name, more);
      const { metrics } = readRun(out);
      const logged = metrics.filter(({ step }) => step > 0);
      expect(logged).toHaveLength(steps);
      for (const { batches } of logged) expect(batches).toBeGreaterThanOrEqual(4);
      const first = trained.map((_, group) => trained.slice(0, group).flat().length);
      const job = {
        banned: batchRules(config).visualTokenIds,
        checkpoint: model,
        adapter: "lora.rank" in more ? join(out, "new-adapter") : null,
        saved: join(out, "checkpoints", String(steps)),
        learningRates: logged.map(({ learningRate }) => learningRate),
        weightDecay: settings["optimizer.weightDecay"],
        steps: logged.map(({ step }) =>
          batchAt(rows.groups.length, clipsPerStep, step, 1).flatMap((group) =>
            trained[group]!.map((_, i) => first[group]! + i),
          ),
        ),
        samples: trained.flat(),
        prompts: asked.map(({ sample }) => sample),
        newTokens,
        tensors: tensorFile,
      };
      const told = JSON.parse(
        await runPython("5.x", "test/oracle/train_reference.py", [], JSON.stringify(job)),
      ) as { losses: number[]; answers: string[] };
      const worst = Math.max(...logged.map(({ loss }, i) => Math.abs(loss! - told.losses[i]!)));
      if (process.env["VIDEOPERCEIVER_SHOW"] !== undefined)
        console.log(
          name,
          "worst difference of a loss",
          worst,
          told.losses.at(0),
          told.losses.at(-1),
          told.answers,
        );
      expect(worst).toBeLessThan(2e-5);
      // Something was learnt, so equal losses say something.
      expect(told.losses.at(-1)!).toBeLessThan(told.losses[0]! - 0.1);
      const own = readAnswers(out).filter(({ step, shown }) => step === steps && shown === "clip");
      const answerOf = new Map(own.map(({ sampleId, answer }) => [sampleId, answer]));
      expect(told.answers).toEqual(asked.map(({ id }) => answerOf.get(id)));
    },
  );
});
