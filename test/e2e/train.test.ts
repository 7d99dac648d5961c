import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { sha256 } from "../../src/core/files.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import type { AbsentReference, Message, Sample } from "../../src/dataset/sample.ts";
import { DatasetWriter } from "../../src/dataset/write.ts";
import { readAnswers, readRun } from "../../src/runs/read-run.ts";
import { openVideoService } from "../../src/video/service.ts";
import { timelineFromTimes } from "../../src/video/timeline.ts";
import { hubModel } from "../hub-model.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
let folder: string;
let model: string;
let set: string;

const words =
  "what happens ? a red green blue disc comes late goes early be brief then picture no clip . word".split(
    " ",
  );
const look = ["--min-pixels", "784", "--max-pixels", "4704"];
const settings = [
  "look.minPixels=784",
  "look.maxPixels=4704",
  "schedule.learningRate=1e-2",
  "optimizer.weightDecay=0",
  "clipsPerStep=6",
  "positionsPerBatch=512",
  "monitor.every=0",
].flatMap((text) => ["--set", text]);

const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    env: { ...process.env, VIDEOPERCEIVER_CACHE: join(folder, "cache") },
  });
const train = (...args: string[]): ReturnType<typeof run> =>
  run("train", "sft", "--model", model, "--data", set, "--threads", "1", ...settings, ...args);

/** Clips of three sizes: a disc of a colour that comes early or late. */
const clips = [
  { colour: [230, 30, 30], late: false, width: 64, height: 48, answer: "a red disc comes early ." },
  { colour: [30, 220, 30], late: true, width: 48, height: 64, answer: "a green disc comes late ." },
  { colour: [40, 40, 230], late: false, width: 96, height: 40, answer: "then a blue disc goes early ." },
] as const;
const [count, rate] = [24, 8];
const timeline = timelineFromTimes(Float64Array.from({ length: count }, (_, i) => i / rate));

const writeClip = async (
  file: string,
  { colour, late, width, height }: (typeof clips)[number],
): Promise<void> => {
  const pixels = new Uint8Array(count * width * height * 3).fill(110);
  const from = late ? 14 : 4;
  for (let t = from; t < from + 8; t++)
    for (let y = 8; y < 32; y++)
      for (let x = 12; x < 36; x++) pixels.set(colour, ((t * height + y) * width + x) * 3);
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / rate),
  }));
  await using video = openVideoService({ workers: 1 });
  await video.write(file, { width, height, frames: [{ pixels, width, height, frames }] });
};

const user = (...content: Message["content"]): Message => ({ role: "user", content });
const text = (words: string): Message["content"][number] => ({ type: "text", text: words });
const said = (words: string): Message => ({ role: "assistant", content: [text(words)] });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "train-"));
  model = hubModel(folder, "model", words, {
    hidden_size: 48,
    intermediate_size: 96,
    rope_scaling: { type: "mrope", mrope_section: [2, 2, 2] },
    vision_config: {
      depth: 2,
      hidden_size: 32,
      num_heads: 2,
      intermediate_size: 48,
      out_hidden_size: 48,
      in_chans: 3,
      patch_size: 14,
      temporal_patch_size: 2,
      spatial_merge_size: 2,
      window_size: 56,
      fullatt_block_indexes: [1],
      tokens_per_second: 2,
    },
  });
  set = join(folder, "set");
  mkdirSync(join(set, "clips"), { recursive: true });
  const writer = new DatasetWriter({ folder: set, recipe: { name: "test", params: {} } });
  const common = { answerKind: "open", provenance: {} } as const;
  const references: Sample["clip"][] = [];
  for (const [i, clip] of clips.entries()) {
    const file = `clips/${i}.mp4`;
    await writeClip(join(set, file), clip);
    references.push({ file, sha256: sha256(readFileSync(join(set, file))), timeline });
  }
  const film = (i: number): Message["content"][number] => ({ type: "video", video: `clips/${i}.mp4` });
  const twin = (late: boolean): AbsentReference => {
    const from = late ? 13 : 3;
    const keyFrames = Array.from({ length: 8 }, (_, t) => from + 1 + t);
    const replacements = keyFrames.map((index) => ({ index, from }));
    return { keyFrames, replacements, builder: { name: "span", params: {} } };
  };
  clips.forEach(({ answer, late }, i) => {
    const clip = references[i]!;
    writer.add({
      ...common,
      id: `clip-${i}`,
      clip,
      skill: "dense-caption",
      absent: twin(late),
      keywords: answer.split(" ").slice(-5, -1),
      messages: [user(film(i), text("what happens ?"))],
      answer,
    });
    writer.add({
      ...common,
      id: `late-${i}`,
      clip,
      messages: [user(film(i), text("late ?"))],
      absent: twin(late),
      answer: i === 1 ? "late" : "early",
    });
    writer.add({
      ...common,
      id: `held-${i}`,
      clip,
      split: "held-out",
      absent: twin(late),
      messages: [user(film(i), text("early ?"))],
      answer: i === 1 ? "late" : "early",
    });
  });
  await sharp({ create: { width: 70, height: 60, channels: 3, background: "#c03030" } })
    .png()
    .toFile(join(set, "red.png"));
  const clip = references[0]!;
  writer.add({
    ...common,
    id: "turns",
    clip,
    keywords: ["red", "green"],
    messages: [
      { role: "system", content: [text("be brief .")] },
      user(film(0), film(1), text("red ?")),
      said("early"),
      user(text("green ?")),
    ],
    answer: "late",
  });
  writer.add({
    ...common,
    id: "picture",
    clip,
    keywords: ["picture"],
    messages: [user({ type: "image", image: "red.png" }, text("picture ?"))],
    answer: "a red picture",
  });
  writer.add({ ...common, id: "word", clip, messages: [user(text("word ?"))], answer: "no clip" });
  writer.add({
    ...common,
    id: "gone",
    clip: { ...clip, file: "clips/gone.mp4", sha256: "0".repeat(64) },
    messages: [user({ type: "video", video: "clips/gone.mp4" }, text("what ?"))],
    answer: "no",
  });
  await writer.finish(() => "a test");
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a checkpoint is trained on a data set", () => {
  const out = (): string => join(folder, "run");
  test("the dry run shows settings, tokens and what is learnt", () => {
    const { status, stdout, stderr } = train("--dry-run", "--set", "steps=4");
    expect(stderr).toContain("dropped gone");
    expect(status).toBe(0);
    expect(stdout).toMatch(/schedule\.learningRate\s+0\.01\s+\(given\)/);
    expect(stdout).toMatch(/clipsPerStep\s+6\s+\(given\)/);
    expect(stdout).toContain("10 samples of 7 clips, 4 steps");
    expect(stdout).toMatch(/\[\[.*<\|im_end\|>\]\]/s);
    expect(stdout).toMatch(/<\|video_pad\|> x \d+/);
    expect(existsSync(out())).toBe(false);
  });
  test("an unknown setting names the nearest, before anything is opened", () => {
    const { status, stderr } = train("--dry-run", "--set", "schedule.learningrate=1e-3");
    expect(status).toBe(2);
    expect(stderr).toContain('did you mean "schedule.learningRate"?');
  });
  test("it answers word for word what it was taught", () => {
    const made = train("--set", "steps=120", "--out", out(), "--json");
    expect(made.stderr).toContain("dropped gone");
    expect(made.status).toBe(0);
    const told = JSON.parse(made.stdout) as { dropped: { id: string }[]; steps: number };
    expect(told.steps).toBe(120);
    expect(told.dropped.map(({ id }) => id)).toEqual(["gone"]);
    expect(readFileSync(join(out(), "dropped.jsonl"), "utf8")).toContain('"id":"gone"');
    const { metrics } = readRun(out());
    expect(metrics.at(-1)!["crossEntropy"]).toBeLessThan(0.1);
    expect(metrics[0]!["paddingShare"]).toBeLessThan(0.5);
    for (const [i, { answer }] of clips.entries()) {
      const asked = run(
        "ask",
        join(set, `clips/${i}.mp4`),
        "what happens ?",
        "--model",
        out(),
        "--threads",
        "1",
        ...look,
      );
      expect(asked.stdout.trim()).toBe(answer);
    }
  }, 120_000);
  test("its own configuration, as JSON and as YAML, gives the same run", () => {
    const config = JSON.parse(readFileSync(join(out(), "config.json"), "utf8")) as {
      settings: { steps: number };
    };
    const short = { ...config, settings: { ...config.settings, steps: 3 } };
    writeFileSync(join(folder, "short.yaml"), stringify(short));
    writeFileSync(join(folder, "short.json"), JSON.stringify(short));
    const again = (file: string, name: string): unknown[] => {
      const { status, stderr } = run("train", join(folder, file), "--out", join(folder, name));
      expect(stderr).not.toContain("error");
      expect(status).toBe(0);
      return readRun(join(folder, name)).metrics.map(({ crossEntropy, gradientNorm }) => [
        crossEntropy,
        gradientNorm,
      ]);
    };
    const first = again("short.yaml", "again");
    expect(first).toHaveLength(3);
    expect(again("short.json", "once more")).toEqual(first);
    expect(readFileSync(join(folder, "again/config.json"), "utf8")).toBe(
      readFileSync(join(folder, "once more/config.json"), "utf8"),
    );
  }, 60_000);
  test("an adapter learns beside frozen weights; held-out samples are looked at; a run with one is asked by its folder", () => {
    const place = join(folder, "adapter run");
    const given = [
      "lora.rank=4",
      "lora.vision=true",
      "split=train",
      "steps=6",
      "watch.validateEvery=3",
      "validation.split=held-out",
      "validation.maxNewTokens=8",
    ];
    const made = train(...given.flatMap((text) => ["--set", text]), "--out", place);
    expect(made.stderr).not.toContain("rror");
    expect(made.status).toBe(0);
    expect(existsSync(join(place, "checkpoints/6/adapter_config.json"))).toBe(true);
    const { metrics } = readRun(place);
    const looked = metrics.filter((row) => Number.isFinite(row["looks/hidden"]));
    expect(looked.map(({ step }) => step)).toEqual([0, 3, 6]);
    // What is answered at a look is what `ask` answers; the twin and the control are asked about as well.
    const answers = readAnswers(place);
    expect(answers).toHaveLength(27);
    const last = answers.filter(({ step }) => step === 6);
    for (const shown of ["clip", "absent", "control"])
      expect(last.filter((one) => one.shown === shown)).toHaveLength(3);
    for (const row of looked)
      for (const name of ["exact", "exact/clip", "exact/absent", "rougeL/control", "changed/absent"])
        expect(row[`validation/${name}`]).toBeGreaterThanOrEqual(0);
    for (const i of [0, 1, 2]) {
      const said = last.find(({ sampleId, shown }) => sampleId === `held-${i}` && shown === "clip")!;
      const file = join(set, `clips/${i}.mp4`);
      const short = ["--max-new-tokens", "8", "--threads", "1", ...look];
      expect(run("ask", file, "early ?", "--model", place, ...short).stdout.trim()).toBe(said.answer);
    }
    const reported = run("report", place);
    expect(reported.status).toBe(0);
    const page = readFileSync(join(place, "report.html"), "utf8");
    expect(page).toContain("other frames removed");
    expect(page).toMatch(/with its absent twin, .* with as many other frames removed/);
    const asked = run(
      "ask",
      join(set, "clips/0.mp4"),
      "what happens ?",
      "--model",
      place,
      "--max-new-tokens",
      "2",
      "--threads",
      "1",
      ...look,
    );
    expect(asked.status).toBe(0);
  }, 60_000);
  test("the paper's first stage reads the twin from its replacements, at the same frames", () => {
    const place = join(folder, "contrast");
    const given = ["losses.contrastive.block=1", "losses.contrastive.weight=1", "steps=30", "clipsPerStep=3"];
    const words = given.flatMap((text) => ["--set", text]);
    const made = run(
      "train",
      "videoperceiver-sft",
      "--model",
      model,
      "--data",
      set,
      "--threads",
      "1",
      ...settings,
      ...words,
      "--out",
      place,
      "--json",
    );
    expect(made.status).toBe(0);
    const told = JSON.parse(made.stdout) as { dropped: { id: string; reason: string }[] };
    expect(told.dropped.map(({ id }) => id).sort()).toEqual(["gone", "word"]);
    const { metrics } = readRun(place);
    expect(metrics).toHaveLength(30);
    // Below ln 2 only by looking: the twin has the same tokens at the same positions.
    expect(metrics.at(-1)!["t2v"]).toBeLessThan(0.4);
    const beyond = run("train", "videoperceiver-sft", "--model", model, "--data", set, "--dry-run");
    expect(beyond.stderr).toContain("losses.contrastive.block");
  }, 60_000);
  test("a run goes on, and not as another one", () => {
    const args = ["train", join(folder, "short.yaml"), "--out", join(folder, "again"), "--resume"];
    expect(run(...args).status).toBe(0);
    const other = run(...args, "--set", "seed=2");
    expect(other.status).toBe(2);
    expect(other.stderr).toContain("settings.seed: 1 before, 2 now");
  }, 60_000);
});
