import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evalText } from "../../src/cli/eval-options.ts";
import type { EvaluationRecord } from "../../src/evaluation/records.ts";
import { evaluateSubject } from "../../src/jobs/eval/eval.ts";
import type { EvalRequest } from "../../src/jobs/eval/request.ts";
import { writePictureSettings } from "../../src/model/picture-settings.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { segmentEndTokens } from "../../src/text/word-level-tokenizer.ts";
import { generateWorld } from "../../src/world/generate.ts";
import { worldProfile } from "../../src/world/profile.ts";
import { tokenFields, writeRandomCheckpoint, writeWordTokenizer } from "../random-checkpoint.ts";
import { smallConfig } from "../unit/model/small-config.ts";
import { quietContext, recordsOf, worldRequest } from "./eval-request.ts";

let folder: string;
let world: string;
let model: string;

/** Words of all questions, options and answers of the world, as a whole-word vocabulary wants them. */
const wordsOf = (text: string): string[] =>
  text
    .replace(/([?.,!])/g, " $1 ")
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase());

const writeModel = (seed: string): void => {
  const rows = readFileSync(join(world, "samples-00000.jsonl"), "utf8").trim().split("\n");
  const words = new Set(
    rows.flatMap((row) => {
      const {
        messages,
        options = [],
        answer,
      } = JSON.parse(row) as {
        messages: { content: { text?: string }[] }[];
        options?: string[];
        answer: string;
      };
      const texts = messages.flatMap(({ content }) => content.map(({ text = "" }) => text));
      return [...texts, ...options, answer].flatMap(wordsOf);
    }),
  );
  const files = join(folder, "files");
  writeWordTokenizer(files, [...words], segmentEndTokens);
  writePictureSettings(files, { width: 56, height: 56, framesPerSecond: 4 });
  writeRandomCheckpoint(model, files, smallConfig(tokenFields(loadTokenizer(files))), seed);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "eval-checkpoint-"));
  world = join(folder, "world");
  model = join(folder, "model");
  await generateWorld({
    count: 3,
    seed: "checkpoint",
    profile: worldProfile("quickstart"),
    out: world,
    workers: 1,
  });
  writeModel("first");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const context = quietContext();
const request = (out: string, over: Partial<EvalRequest> = {}): EvalRequest =>
  worldRequest(world, `checkpoint:folder=${model},maxNewTokens=3`, join(folder, out), {
    interventions: ["absent", "random-removal", "blind", "budget:2"],
    limit: 8,
    ...over,
  });

test("a checkpoint is asked about clips under every view: its own frames, records, page; the same again; other weights refused", async () => {
  const result = await evaluateSubject(request("run"), context);
  const records = await recordsOf(join(folder, "run"));
  const under = (view: string) => records.filter(({ intervention }) => intervention.name === view);
  expect(records.every(({ outcome, finishReason }) => outcome !== "failed" && finishReason === "stop")).toBe(
    true,
  );
  expect(result.views.map(({ label }) => label)).toEqual([
    "complete",
    "absent",
    "random-removal:tries=20",
    "blind:pictures=none",
    "budget:frames=2",
  ]);
  expect([under("complete").length, under("random-removal").length % 2]).toEqual([8, 0]);
  for (const { frameTimesSeconds, framePolicy, subjectRecipe } of under("complete")) {
    // Its own rate, not the eight frames of subjects that do not choose.
    frameTimesSeconds.slice(1).forEach((time, at) => {
      expect(time - frameTimesSeconds[at]!).toBeCloseTo(0.25, 1);
    });
    expect(framePolicy.name).toBe("model");
    expect(subjectRecipe!.params["contentHash"]).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(under("budget").every(({ droppedPositions }) => droppedPositions!.length > 0)).toBe(true);
  // What is shown reaches the model: a random one says other things of other pictures.
  const saidTo = (view: string) =>
    new Map(under(view).map(({ questionId, rawOutput }) => [questionId, rawOutput]));
  const [complete, blind] = [saidTo("complete"), saidTo("blind")];
  expect([...complete].some(([id, said]) => blind.get(id) !== said)).toBe(true);
  expect(evalText(result)).toContain("model, strict scoring");
  const page = readFileSync(result.report, "utf8");
  expect(page).toContain("model on world");
  expect(page).toContain("--subject");
  const again = await evaluateSubject(request("second"), context);
  const bare = (all: readonly EvaluationRecord[]) =>
    all.map(({ latencyMilliseconds: _, ...record }) => record);
  expect(bare(await recordsOf(join(folder, "second")))).toEqual(bare(records));
  expect(again.views).toEqual(result.views);
  writeModel("second");
  await expect(evaluateSubject(request("run"), context)).rejects.toThrow(
    /another configuration is there.*subjectRecipe\.params\.contentHash/,
  );
  await expect(evaluateSubject(request("turned", { rotateOptions: true }), context)).rejects.toThrow(
    "the options stand in the question's own text",
  );
});

test("two stretches of one clip have their own frames, and both are shown", async () => {
  const file = join(world, "samples-00000.jsonl");
  const rows = readFileSync(file, "utf8").trim().split("\n");
  const stretches = [
    [0, 0.6],
    [0.8, 2],
  ] as const;
  let count = 0;
  const cut = rows.map((row) => {
    const sample = JSON.parse(row) as { answerKind: string; messages: { content: { type: string }[] }[] };
    if (sample.answerKind !== "choice") return row;
    const [video_start, video_end] = stretches[count++ % 2]!;
    for (const { content } of sample.messages)
      for (const part of content) if (part.type === "video") Object.assign(part, { video_start, video_end });
    return JSON.stringify(sample);
  });
  writeFileSync(file, `${cut.join("\n")}\n`);
  const result = await evaluateSubject(request("stretches", { interventions: [] }), context);
  expect(result.views[0]!.outcomes.failed).toBe(0);
  const seen = new Map<string, Set<string>>();
  for (const { clipFile, frameTimesSeconds } of await recordsOf(join(folder, "stretches"))) {
    const isFirst = frameTimesSeconds[0]! < 0.7;
    expect(frameTimesSeconds.every((time) => (isFirst ? time < 0.6 : time >= 0.7 && time < 2))).toBe(true);
    expect(frameTimesSeconds.length).toBe(isFirst ? 3 : 5);
    seen.set(clipFile!, (seen.get(clipFile!) ?? new Set()).add(isFirst ? "first" : "second"));
  }
  expect([...seen.values()].some(({ size }) => size === 2)).toBe(true);
});
