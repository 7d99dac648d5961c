import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readAnswers, readRollouts, readRun } from "../../src/runs/read-run.ts";
import {
  asked,
  discClips,
  discModel,
  killedAt,
  leftBehind,
  settings,
  videoperceiver,
  writeDiscSet,
} from "./disc-set.ts";

let folder: string;
let model: string;
let set: string;

const words =
  "what happens ? a red green blue disc comes early late . which A B A. B. Answer with the letter of right option. " +
  "how many when 1 2 0.5 1.5 - 3 look again .";
const clips = discClips(8);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grpo-"));
  model = discModel(folder, [...new Set(words.split(" "))].join(" "));
  set = join(folder, "set");
  await writeDiscSet(set, clips, ({ colour, late }, at, { file }) => {
    const common = { split: at < 6 ? "train" : "validation" } as const;
    const when = late ? "1.75 - 2.75" : "0.5 - 1.5";
    return [
      {
        ...common,
        id: `which-${at}`,
        messages: asked(file, "which ?"),
        answerKind: "choice",
        answer: late ? "late" : "early",
        options: ["early", "late"],
      },
      {
        ...common,
        id: `what-${at}`,
        messages: asked(file, "what happens ?"),
        answerKind: "open",
        answer: `a ${colour} disc`,
      },
      {
        ...common,
        id: `many-${at}`,
        messages: asked(file, "how many ?"),
        answerKind: "number",
        answer: "1",
      },
      { ...common, id: `when-${at}`, messages: asked(file, "when ?"), answerKind: "span", answer: when },
      {
        ...common,
        id: `plain-${at}`,
        messages: asked(file, "what ?"),
        answerKind: "open",
        answer: "no",
        twin: false,
      },
    ];
  });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const given = [
  "look.minPixels=784",
  "look.maxPixels=4704",
  "schedule.warmupSteps=0",
  "optimizer.weightDecay=0",
  "promptsPerStep=4",
  "completions=4",
  "maxNewTokens=5",
  "positionsPerBatch=2048",
  "refeedInstruction=look again .",
];
const command = (out: string | undefined, ...more: readonly string[]): string[] => [
  ...["train", "videoperceiver-grpo", "--model", model, "--data", set, "--threads", "1"],
  ...settings(...given),
  ...more,
  ...(out === undefined ? [] : ["--out", join(folder, out)]),
];
const train = (out: string | undefined, ...more: readonly string[]): ReturnType<typeof videoperceiver> =>
  videoperceiver(folder, command(out, ...more));

test("the dry run says whose values are whose, counts questions, and shows one with its options", () => {
  const { status, stdout, stderr } = train(undefined, "--dry-run", ...settings("steps=3"));
  expect(stderr).toContain("dropped plain-0: a question without a twin");
  expect(status).toBe(0);
  expect(stdout).toMatch(/promptsPerStep\s+4\s+\(given\)/);
  expect(stdout).toMatch(/lambda\s+0\.5\s+\(ours\)/);
  expect(stdout).toContain("24 samples of 6 clips, 3 steps");
  expect(stdout).toMatch(/about [\d.e-]+ s a step, .* in all .*, 0\.\d+ GiB of memory/);
  expect(train(undefined, "--dry-run", ...settings("clipsPerStep=2")).stderr).toContain("promptsPerStep");
});

test("a planted reward is what rises", () => {
  const short = "rewards={length: {weight: 1, params: {minTokens: 1, maxTokens: 1, slackTokens: 3}}}";
  const plain = settings("steps=25", "lambda=0", "beta=0", "prefilter.draws=0", "schedule.learningRate=1e-2");
  const { status, stderr } = train("planted", ...settings(short), ...plain);
  expect(stderr).not.toContain("rror");
  expect(status).toBe(0);
  const { metrics } = readRun(join(folder, "planted"));
  const rewards = metrics.map((row) => row["reward.length"]!);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  expect(mean(rewards.slice(-3))).toBeGreaterThan(mean(rewards.slice(0, 3)) + 0.3);
  expect(mean(rewards.slice(-3))).toBeGreaterThan(0.8);
}, 120_000);

test("with twins compared: roll-outs, controls on held-out clips, a page; killed, it ends as the undisturbed run", async () => {
  const own = settings(
    ...[
      "steps=6",
      "checkpointEvery=2",
      "prefilter.draws=4",
      "lora.rank=4",
      "lora.vision=true",
      "temperature=0.7",
    ],
    ...["schedule.learningRate=1e-2", "watch.validateEvery=3", "validation.maxNewTokens=4"],
  );
  const made = train("whole", ...own);
  expect(made.stderr).not.toContain("rror");
  expect(made.status).toBe(0);
  const whole = join(folder, "whole");
  const { metrics } = readRun(whole);
  const last = metrics.at(-1)!;
  for (const name of ["quality", "qualityAbsent", "comparison", "kl", "entropy", "zeroVarianceShare"])
    expect(last[name], name).toBeTypeOf("number");
  for (const name of ["resampleRate", "clippedShare", "ratioMean", "answerableWithoutEvidence"])
    expect(last[name], name).toBeTypeOf("number");
  // Completions are scored under what they were drawn from, by the weights that drew them.
  expect(last["ratioMean"]).toBeCloseTo(1, 4);
  expect(last["ratioVariance"]).toBeLessThan(1e-6);
  expect(metrics[1]!["kl"]).toBeCloseTo(0, 6);
  expect(last["validation/accuracy/absent"]).toBeTypeOf("number");
  expect(last["validation/accuracy/control"]).toBeTypeOf("number");
  expect(readAnswers(whole).length).toBeGreaterThan(0);
  const rollouts = readRollouts(whole);
  expect(rollouts).toHaveLength(24);
  expect(new Set(rollouts.map(({ sampleId }) => sampleId.split("-")[0])).size).toBeGreaterThan(2);
  expect(videoperceiver(folder, ["report", whole]).status).toBe(0);
  expect(readFileSync(join(whole, "report.html"), "utf8")).toContain("quality");
  const killed = command("killed", ...own);
  expect(await killedAt(folder, [...killed, "--resume"], 3)).toBe(true);
  expect(await killedAt(folder, [...killed, "--resume"], 5)).toBe(true);
  expect(videoperceiver(folder, [...killed, "--resume"]).status).toBe(0);
  expect(leftBehind(join(folder, "killed"))).toEqual(leftBehind(whole));
  expect(existsSync(join(whole, "checkpoints/6/adapter_model.safetensors"))).toBe(true);
}, 240_000);
