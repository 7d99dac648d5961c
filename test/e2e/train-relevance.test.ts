import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readFrames } from "../../src/frames/read-frames.ts";
import { openScorer } from "../../src/jobs/open-scorer.ts";
import { readRun } from "../../src/runs/read-run.ts";
import { openVideoService } from "../../src/video/service.ts";
import {
  asked,
  discClips,
  killedAt,
  leftBehind,
  settings,
  videoperceiver,
  writeDiscSet,
} from "./disc-set.ts";

let folder: string;
let set: string;
const clips = discClips(15, 4);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "relevance-"));
  set = join(folder, "set");
  await writeDiscSet(set, clips, ({ colour }, at, { file }) => [
    {
      id: `clip-${at}`,
      split: at < 12 ? "train" : "validation",
      messages: asked(file, "what happens ?"),
      answerKind: "open",
      answer: `a ${colour} disc`,
      keywords: at === 3 ? [] : [colour, "disc"],
    },
  ]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const command = (out: string, ...more: readonly string[]): string[] => [
  ...["train", "relevance", "--data", set, "--threads", "1", "--out", join(folder, out)],
  ...settings("clipsPerStep=6", "pixels=56", "width=24", "framesPerClip=12", "schedule.learningRate=1e-2"),
  ...more,
];

test("the dry run counts clips; a model is refused, a setting of another loop is no setting", () => {
  const { status, stdout } = videoperceiver(folder, [...command("none"), "--dry-run"]);
  expect(status).toBe(0);
  expect(stdout).toContain("12 samples of 12 clips, 2 steps");
  expect(stdout).not.toContain("tokens a sample");
  expect(stdout).toMatch(/about [\d.e-]+ s a step, .* in all .*, 0\.\d+ GiB of memory/);
  const model = videoperceiver(folder, [...command("none"), "--model", "somewhere"]);
  expect(model.status).toBe(2);
  expect(model.stderr).toContain("leave --model out");
  const engine = videoperceiver(folder, [...command("none"), "--engine", "torch"]);
  expect(engine.status).toBe(2);
  expect(engine.stderr).toContain("leave --engine out");
  const other = videoperceiver(folder, command("none", ...settings("lora.rank=2")));
  expect(other.stderr).toContain("unknown setting");
});

test("it finds held-out clips by their words, and the frames of the event in clips that it never saw", async () => {
  const made = videoperceiver(folder, command("run", ...settings("steps=150", "checkpointEvery=75")));
  expect(made.stderr).not.toContain("rror");
  expect(made.status).toBe(0);
  expect(made.stdout).toContain("checkpoint:");
  const { metrics } = readRun(join(folder, "run"));
  const last = metrics.at(-1)!;
  expect(last["contrast"]!).toBeLessThan(metrics[0]!["contrast"]! / 2);
  expect(last["validation/retrieval"]).toBe(1);
  expect(last["validation/retrievalChance"]).toBeCloseTo(1 / 3, 6);
  const scorer = await openScorer(join(folder, "run"));
  await using video = openVideoService({ workers: 1 });
  for (const at of [12, 13, 14]) {
    const { colour, late } = clips[at]!;
    const frames = await readFrames(video, join(set, `clips/${at}.mp4`), { select: { kind: "all" } });
    const scores = [...(await scorer.scoreFrames(frames, [colour, "disc"]))];
    const from = late ? 14 : 4;
    const seen = scores.slice(from, from + 8);
    const other = scores.filter((_, i) => i < from - 1 || i > from + 8);
    expect(Math.min(...seen), colour).toBeGreaterThan(Math.max(...other));
  }
  await scorer.close();
  const pair = join(folder, "pair");
  const words = ["--keywords", `${clips[13]!.colour},disc`, "--out", pair];
  const told = ["absent", join(set, "clips/13.mp4"), ...words];
  expect(videoperceiver(folder, [...told, "--relevance", `checkpoint:${join(folder, "run")}`]).status).toBe(
    0,
  );
  const { keyFrames } = JSON.parse(readFileSync(join(pair, "pair.json"), "utf8")) as { keyFrames: number[] };
  expect(keyFrames.some((frame) => frame >= 14 && frame < 22)).toBe(true);
}, 120_000);

test("killed, it ends as the run that nobody disturbed", async () => {
  const own = settings("steps=60", "checkpointEvery=10");
  expect(videoperceiver(folder, command("whole", ...own)).status).toBe(0);
  const killed = [...command("killed", ...own), "--resume"];
  let kills = 0;
  for (const step of [3, 25]) if (await killedAt(folder, killed, step)) kills++;
  expect(kills).toBeGreaterThan(0);
  expect(videoperceiver(folder, killed).status).toBe(0);
  expect(leftBehind(join(folder, "killed"))).toEqual(leftBehind(join(folder, "whole")));
  const other = videoperceiver(folder, [...killed, ...settings("seed=2")]);
  expect(other.stderr).toContain("settings.seed: 1 before, 2 now");
}, 120_000);

test("another film in a clip's place is dropped and named; changed rows are another run", () => {
  const changed = join(folder, "changed");
  cpSync(set, changed, { recursive: true });
  cpSync(join(set, "clips/4.mp4"), join(changed, "clips/1.mp4"));
  const own = command("changed run", ...settings("steps=2", "checkpointEvery=1")).map((one) =>
    one === set ? changed : one,
  );
  const made = videoperceiver(folder, own);
  expect(made.status, made.stderr).toBe(0);
  expect(made.stderr).toContain("dropped clip-1: a clip that is not the one of the data set");
  expect(made.stderr).not.toContain("dropped clip-4");
  const [name] = readdirSync(changed).filter((one) => one.startsWith("samples-"));
  const file = join(changed, name!);
  writeFileSync(file, readFileSync(file, "utf8").replace("a red disc", "a rose disc"));
  const later = videoperceiver(folder, [...own, "--resume"]);
  expect(later.stderr).toContain("rows of the data sets have changed since the run began");
}, 120_000);
