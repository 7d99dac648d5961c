import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseJsonRows } from "../../src/core/files.ts";
import { readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import { evaluateSubject } from "../../src/jobs/eval/eval.ts";
import { hubModel } from "../hub-model.ts";
import { mediaOf, startStandIn, textOf } from "../stand-in/openai-endpoint.ts";
import { writeClips } from "./build/clips.ts";
import { startCommand } from "./build/run-async.ts";
import { quietContext, recordsOf, worldRequest } from "./eval-request.ts";

const clips = 3;
let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sparsify-"));
  process.env["VIDEOPERCEIVER_CACHE"] = at("cache");
  await writeClips(folder, clips);
  // Half a second of nearly two: a quarter of the frames at any even rate.
  const rows = Array.from({ length: clips }, (_, clip) => `c${clip},0.5,1.0,a square appears`);
  rows.push("c0,0,60,everything", "c1,0.5,1.0,a square appears");
  writeFileSync(at("events.csv"), ["video,start,end,caption", ...rows].join("\n"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const samplesOf = async (out: string): Promise<Sample[]> => {
  const samples: Sample[] = [];
  for await (const sample of readSamples(at(out))) samples.push(sample);
  return samples;
};

test("build --sparsify chooses each sample's frames, the share is told, and equal rows are named", async () => {
  const { status, stderr } = await startCommand(
    ...["build", at("events.csv"), "--clips", at("clips"), "--out", at("sparse"), "--workers", "1"],
    ...["--no-cache", "--sparsify", "0.1"],
  ).ended;
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("    at ")]);
  const samples = await samplesOf("sparse");
  expect(new Set(samples.map(({ clip }) => clip.sha256)).size).toBe(clips);
  for (const { frames, clip, events, provenance } of samples) {
    const times = frames!.map((index): number => clip.timeline[index]!.timeSeconds);
    const inside = times.filter((time) =>
      events!.some(({ startSeconds, endSeconds }) => time >= startSeconds && time < endSeconds),
    ).length;
    const sparsified = provenance["sparsified"] as { share: number; keyShare: number; reached: boolean };
    expect(sparsified.keyShare).toBeCloseTo(inside / times.length, 4);
    expect(sparsified).toMatchObject({ share: 0.1, reached: true });
    // One frame of the event is left, where six are at the clip's own rate.
    expect(inside).toBe(1);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(Math.max(...gaps)).toBeGreaterThan(2.5 * Math.min(...gaps));
  }
  expect(readFileSync(at("sparse/card.md"), "utf8")).toMatch(
    /frames are chosen with the samples, at their true uneven times: \d+\.\d % of them lie in events on average; 3 of 3 are within a frame/,
  );
  const rejected = parseJsonRows(readFileSync(at("sparse/rejected.jsonl"), "utf8"), "rejected").map(
    ({ value }) => value as { readonly source: string; readonly reason: string },
  );
  expect(rejected.map(({ source, reason }) => [source, reason])).toEqual(
    expect.arrayContaining([
      ["events.csv:6", expect.stringContaining("the same row as events.csv:3")],
      ["events.csv:5", expect.stringContaining("an event is not in the clip")],
    ]),
  );
});

test("eval shows an endpoint the samples' own frames at their true times, and the twin's at the same", async () => {
  await using standIn = await startStandIn({ answer: () => "a square" });
  const { status, stderr } = await startCommand(
    ...["eval", at("sparse"), "--out", at("asked"), "--frames", "4", "--intervention", "absent"],
    ...["--subject", `openai:endpoint=${standIn.baseUrl}#tiny,times=true`],
  ).ended;
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("    at ")]);
  const samples = await samplesOf("sparse");
  const told = new Set(
    samples.map(({ frames, clip }) =>
      frames!.map((index) => clip.timeline[index]!.timeSeconds.toFixed(2)).join(),
    ),
  );
  const shown = standIn.requests.map((request) =>
    [...textOf(request).matchAll(/^(\d+\.\d\d) s$/gm)].map(([, time]) => time).join(),
  );
  expect(new Set(shown)).toEqual(told);
  for (const request of standIn.requests) expect(mediaOf(request).length).not.toBe(4);
  const records = await recordsOf(at("asked"));
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  for (const { questionId, frameIndices, shownFrames, intervention } of records) {
    const { frames, absent } = byId.get(questionId)!;
    expect(frameIndices).toEqual(frames);
    const from = new Map(absent!.replacements.map((one) => [one.index, one.from]));
    const seen = intervention.name === "absent" ? frames!.map((index) => from.get(index) ?? index) : frames;
    expect(shownFrames).toEqual(seen);
  }
  expect(records.some(({ intervention }) => intervention.name === "absent")).toBe(true);
});

test("eval shows a checkpoint the same frames, whatever rate it would choose", async () => {
  const words = "what happens in the video describe which of these shows when from seconds to".split(" ");
  const model = hubModel(folder, "model", words);
  await evaluateSubject(
    worldRequest(at("sparse"), `checkpoint:folder=${model},maxNewTokens=2,fps=1`, at("seen"), {
      benchmark: at("sparse"),
    }),
    quietContext(),
  );
  const byId = new Map((await samplesOf("sparse")).map((sample) => [sample.id, sample]));
  const records = await recordsOf(at("seen"));
  expect(records.length).toBeGreaterThan(0);
  for (const { questionId, frameIndices, finishReason, error, framePolicy } of records) {
    expect(framePolicy.params["questionsWithFramesOfTheirOwn"]).toBe(byId.size);
    expect([finishReason, error ?? null]).toEqual([expect.stringMatching(/stop|length/), null]);
    expect(frameIndices).toEqual(byId.get(questionId)!.frames);
  }
});
