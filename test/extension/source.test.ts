import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { questionText } from "../../src/dataset/question.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import type { Rejection } from "../../src/dataset/schema.ts";
import { validateDataset } from "../../src/dataset/validate.ts";
import { DatasetWriter } from "../../src/dataset/write.ts";
import { loadPlugin } from "../../src/jobs/load-plugin.ts";
import { readSource } from "../../src/jobs/read-source.ts";
import { openVideoService } from "../../src/video/service.ts";
import { pluginFile } from "./run-command.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sources-"));
  mkdirSync(join(folder, "clips"));
  await using video = openVideoService({ workers: 1 });
  for (const [name, count] of [
    ["a", 10],
    ["b", 5],
  ] as const) {
    const frames = Array.from({ length: count }, (_, i) => ({
      index: frameIndex(i),
      timeSeconds: seconds(i / 10),
    }));
    const pixels = new Uint8Array(count * 32 * 32 * 3).fill(name === "a" ? 60 : 180);
    await video.write(join(folder, "clips", `${name}.mp4`), {
      width: 32,
      height: 32,
      frames: [{ pixels, width: 32, height: 32, frames }],
    });
  }
  await loadPlugin(pluginFile("notes.ts"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = async (source: string, place: string): Promise<{ samples: Sample[]; rejected: Rejection[] }> => {
  const samples: Sample[] = [];
  const rejected: Rejection[] = [];
  const context = { signal: new AbortController().signal };
  for await (const sample of readSource(source, place, context, (one) => rejected.push(one)))
    samples.push(sample);
  return { samples, rejected };
};
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test("a source in one file gives samples that make a data set; what cannot be read is named", async () => {
  const place = file(
    "notes.txt",
    "clips/a.mp4 ; What is it? ; grey\nclips/gone.mp4 ; ? ; x\nclips/b.mp4;Dark?;no\n",
  );
  const { samples, rejected } = await read("notes:mark=;", place);
  expect(samples.map((one) => [one.id, questionText(one), one.answer, one.clip.timeline.length])).toEqual([
    ["note-1", "What is it?", "grey", 10],
    ["note-3", "Dark?", "no", 5],
  ]);
  expect(rejected).toEqual([
    { source: "note-2", ruleId: "notes", reason: expect.stringContaining("gone.mp4") },
  ]);
  const writer = new DatasetWriter({ folder, recipe: { name: "notes", params: { mark: ";" } } });
  for (const sample of samples) writer.add(sample);
  for (const one of rejected) writer.reject(one);
  const { counts } = await writer.finish(() => "card");
  expect(counts).toEqual({ samples: 2, clips: 2, rejected: 1 });
  expect(await validateDataset(folder)).toEqual([]);
  // What was written is a source as well.
  expect((await read("dataset", folder)).samples).toEqual(samples);
});

test("a CSV file: quoted cells, options, keywords, columns of one's own", async () => {
  const place = file(
    "rows.csv",
    '\ufeffclip,question,answer,options,keywords,note\r\nclips/a.mp4,"What, if\nanything, flashes?",B,nothing | a square,flash square,mine\r\n\r\nclips/b.mp4,Say it,"a ""grey"" field",,,\r\n',
  );
  const { samples, rejected } = await read("csv", place);
  expect(rejected).toEqual([]);
  expect(samples).toMatchObject([
    {
      id: "rows.csv:2",
      answer: "B",
      answerKind: "choice",
      options: ["nothing", "a square"],
      keywords: ["flash square"],
      provenance: { source: "rows.csv:2", note: "mine" },
    },
    { id: "rows.csv:5", answer: 'a "grey" field', answerKind: "open" },
  ]);
  expect(questionText(samples[0]!)).toBe("What, if\nanything, flashes?");
  expect(samples[0]!.clip.timeline.length).toBe(10);
});

test("the worse side of a preference comes along, its film read as well", async () => {
  const row = (worse: object): string =>
    JSON.stringify({
      messages: [
        { role: "user", content: "<video>What is it?" },
        { role: "assistant", content: "Grey." },
      ],
      videos: ["clips/a.mp4"],
      ...worse,
    });
  const rows = [{ rejected_response: "Blue." }, { rejected_videos: ["clips/b.mp4"] }, {}].map(row);
  const { samples, rejected } = await read("chat", file("preferences.jsonl", rows.join("\n")));
  expect(rejected).toEqual([]);
  expect(samples.map((one) => one.rejected)).toMatchObject([
    { answer: "Blue." },
    { clip: { file: "clips/b.mp4" } },
    undefined,
  ]);
  expect(samples[1]!.rejected!.clip!.timeline.length).toBe(5);
});

test.each([
  [
    "a missing answer",
    "clip,question,answer\nclips/a.mp4,Why?,\n",
    /^half a question; .* got a question only$/,
  ],
  [
    "another number of cells",
    "clip,question,answer\nclips/a.mp4,Why?\n",
    /^a row of another length than the header; expected 3 cells; got 2$/,
  ],
  [
    "a single option",
    "clip,question,answer,options\nclips/a.mp4,Why?,A,one\n",
    /two options or more, separated by "\|"; got "one"$/,
  ],
  ["an unknown kind", "clip,question,answer,kind\nclips/a.mp4,Why?,A,essay\n", /got essay$/],
  ["a caption only", "clip,caption\nclips/a.mp4,It is grey.\n", /^a row without a question; /],
])("%s in a CSV file costs its row, which is named with its place", async (_, text, reason) => {
  const { samples, rejected } = await read("csv", file("x.csv", text));
  expect(samples).toEqual([]);
  expect(rejected).toEqual([
    {
      source: expect.stringMatching(/x\.csv:2$/),
      ruleId: "csv",
      reason: expect.stringMatching(reason),
    },
  ]);
});

test.each([
  ["a column twice", "clip,clip,answer\n", /^a column stands twice in the header: .*; got "clip"$/],
  ["an open quote", 'clip,question,answer\n"a,b,c\n', /^not a CSV file: .*; got .*[Qq]uot/],
  ["no column of clips", "picture,question\na,b\n", /^no column names the clips: .*--columns clip=NAME/],
  ["nothing", "", /^a table without rows: /],
])("%s makes a CSV file none", async (_, text, message) => {
  await expect(read("csv", file("x.csv", text))).rejects.toThrow(message);
});

test("a place that is not there, and names that are none", async () => {
  await expect(read("csv", join(folder, "no.csv"))).rejects.toThrow(/^no such training source: .*no\.csv$/);
  await expect(read("csw", "x")).rejects.toThrow('unknown training source "csw"; did you mean "csv"?');
  await expect(read("csv:delimeter=;", "x")).rejects.toThrow('got "delimeter"; did you mean "delimiter"?');
});
