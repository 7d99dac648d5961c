import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { readAnswers, readRun } from "../../src/runs/read-run.ts";
import { trainingClips as clips, makeTrainingSet, trainingModel } from "../training-set.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
let folder: string;
let model: string;
let set: string;

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

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "train-"));
  model = trainingModel(folder);
  set = await makeTrainingSet(folder);
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
    expect(stdout).toMatch(/about [\d.e-]+ s a step, \d+ s in all .*, 0\.\d+ GiB of memory/);
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
    const again = (file: string, name: string, ...more: string[]): unknown[] => {
      const { status, stderr } = run("train", join(folder, file), "--out", join(folder, name), ...more);
      expect(stderr).not.toContain("error");
      expect(status).toBe(0);
      const steps = readRun(join(folder, name)).metrics.filter(({ step }) => step > 0);
      return steps.map(({ crossEntropy, gradientNorm }) => [crossEntropy, gradientNorm]);
    };
    const first = again("short.yaml", "again");
    expect(first).toHaveLength(3);
    expect(again("short.json", "once more")).toEqual(first);
    // The second and the third step show clips again: read anew or kept, every bit is the same.
    expect(again("short.json", "nothing kept", "--set", "keptMegabytes=0")).toEqual(first);
    // Looks and their answers change nothing of what is learnt.
    const looks = ["watch.validateEvery=1", "validation.split=held-out", "validation.maxNewTokens=4"];
    expect(again("short.json", "looked at", ...looks.flatMap((setting) => ["--set", setting]))).toEqual(
      first,
    );
    expect(readFileSync(join(folder, "again/config.json"), "utf8")).toBe(
      readFileSync(join(folder, "once more/config.json"), "utf8"),
    );
  }, 60_000);
  test("features of a frozen tower are kept for later runs, and change no loss", () => {
    const features = join(folder, "cache/features");
    const losses = (name: string, ...more: string[]): number[] => {
      const given = ["trained=[language]", "steps=4", "split=train", "watch.validateEvery=2"];
      const looks = ["validation.split=held-out", "validation.maxNewTokens=4", ...given];
      const own = looks.flatMap((text) => ["--set", text]);
      const { status, stderr } = train(...own, ...more, "--out", join(folder, name));
      expect(stderr).not.toContain("rror");
      expect(status).toBe(0);
      const { metrics } = readRun(join(folder, name));
      return metrics.flatMap((row) =>
        ["crossEntropy", "gradientNorm", "looks/clip", "looks/other"].map((key) => row[key] ?? 0),
      );
    };
    const before = existsSync(features) ? readdirSync(features).length : 0;
    const without = losses("no features", "--no-cache", "--set", "featureMegabytes=0");
    expect(existsSync(features) ? readdirSync(features).length : 0).toBe(before);
    const first = losses("features");
    const kept = readdirSync(features).length;
    expect(kept).toBeGreaterThan(before);
    // From memory or from the disk they are the same bits; computed with a batch they differ in the last places.
    expect(losses("features again", "--set", "featureMegabytes=0")).toEqual(first);
    expect(readdirSync(features)).toHaveLength(kept);
    expect(new Set(first).size).toBeGreaterThan(11);
    first.forEach((value, i) => {
      expect(Math.abs(value - without[i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
    });
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
