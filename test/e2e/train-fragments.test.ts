/** Fragments of real clips, asked with the words of the real tokenizer: fine-tuning alone and mixed, and rewards. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSamples } from "../../src/dataset/read.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { tokenFields, writeRandomCheckpoint } from "../random-checkpoint.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";
import { smallConfig, smallVision } from "../unit/model/small-config.ts";
import { asked, discClips, settings, videoperceiver, writeDiscSet } from "./disc-set.ts";

const skipped = sharedMissing("training on fragments of real clips");
let folder: string;
let model: string;
let fragments: string;
let discs: string;

const succeeded = (args: readonly string[]): void => {
  const { status, stderr } = videoperceiver(folder, args);
  expect(status, stderr).toBe(0);
};

beforeAll(async () => {
  if (skipped) return;
  folder = mkdtempSync(join(tmpdir(), "sf2t-"));
  const tokenizer = sharedFile("data/tokenizers/qwen2.5-vl");
  model = join(folder, "model");
  const own = {
    ...tokenFields(loadTokenizer(tokenizer)),
    hidden_size: 32,
    intermediate_size: 48,
    rope_scaling: { type: "mrope", mrope_section: [2, 1, 1] },
    vision_config: { ...smallVision, hidden_size: 32, intermediate_size: 48, out_hidden_size: 32 },
  };
  writeRandomCheckpoint(model, tokenizer, smallConfig(own), "sf2t");
  const clips = join(folder, "clips");
  mkdirSync(clips);
  for (const name of ["cyclist_drops_ball.avi", "hitting_baseball.mp4", "arm_wrestling.mp4"])
    symlinkSync(sharedFile(`data/clips/${name}`), join(clips, name));
  fragments = join(folder, "fragments");
  succeeded(["fragments", clips, "--out", fragments, "--per-clip", "2", "--pixels", "84", "--workers", "1"]);
  discs = join(folder, "discs");
  await writeDiscSet(discs, discClips(2), ({ colour }, at, { file }) => [
    {
      id: `what-${at}`,
      messages: asked(file, "What happens?"),
      answerKind: "open",
      answer: `A ${colour} disc comes.`,
      keywords: [colour, "disc"],
    },
  ]);
}, 300_000);
afterAll(() => {
  if (!skipped) rmSync(folder, { recursive: true, force: true });
});

const given = settings(
  ...["look.minPixels=784", "look.maxPixels=4704", "look.frames=4", "schedule.learningRate=1e-2"],
  ...["schedule.warmupSteps=0", "clipsPerStep=4"],
);
const train = (recipe: string, out: string, from: string, data: readonly string[], ...more: string[]): void =>
  succeeded([
    ...["train", recipe, "--model", from, "--data", ...data, "--out", join(folder, out), "--threads", "1"],
    ...more,
  ]);

test.skipIf(skipped)(
  "sf2t takes every fragment, all tasks alike, and goes on from and beside other recipes",
  async () => {
    let samples = 0;
    for await (const _ of readSamples(fragments)) samples++;
    expect(samples).toBeGreaterThan(20);
    train("sf2t", "alone", model, [fragments], ...given, ...settings("steps=8"));
    const { metrics } = readRun(join(folder, "alone"));
    expect(readFileSync(join(folder, "alone", "dropped.jsonl"), "utf8")).toBe("");
    expect(metrics.at(-1)!["crossEntropy"]).toBeLessThan(0.8 * metrics[0]!["crossEntropy"]!);
    // Behind it, contrast on clips with twins: steps of fragments learn answers only.
    const contrast = settings("losses.contrastive.block=1", "mix.sets=[1, 1]", "steps=4");
    train("videoperceiver-sft", "beside", join(folder, "alone"), [fragments, discs], ...given, ...contrast);
    const contrasted = readRun(join(folder, "beside")).metrics.map((row) => "t2v" in row);
    // Two sets of equal weight take turns.
    expect(contrasted).toEqual([contrasted[0], !contrasted[0], contrasted[0], !contrasted[0]]);
  },
  300_000,
);

test.skipIf(skipped)(
  "their labels are rewards of plain GRPO, which needs no twins",
  () => {
    const rewards = settings(
      ...["rewards={order-tau: 0.5, index-f1: 0.5}", "answers=text", "lambda=0", "beta=0"],
      ...["promptsPerStep=4", "completions=4", "maxNewTokens=6", "steps=2"],
    );
    const shown = given.filter((_, at) => !/clipsPerStep/.test(given[at - (at % 2) + 1]!));
    train("videoperceiver-grpo", "grpo", model, [fragments], ...shown, ...rewards);
    const { metrics } = readRun(join(folder, "grpo"));
    for (const name of ["reward.order-tau", "reward.index-f1", "quality"])
      expect(metrics.at(-1)![name], name).toBeTypeOf("number");
    expect(metrics.at(-1)).not.toHaveProperty("comparison");
    expect(readRollouts(join(folder, "grpo")).every(({ absent }) => absent.length === 0)).toBe(true);
    const refused = videoperceiver(folder, [
      ...["train", "videoperceiver-grpo", "--model", model, "--data", fragments, "--dry-run"],
    ]);
    expect(refused.stderr).toMatch(/no prompts to learn from.*--set lambda=0/);
  },
  300_000,
);
