import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { VideoPerceiverError } from "../../src/core/errors.ts";
import { questionText } from "../../src/dataset/question.ts";
import { isUnread, type SourceRow, trainingSources, type UnreadRow } from "../../src/dataset/sources.ts";
import { recognisedSource } from "../../src/jobs/build/plan-clips.ts";
import { sharedAvailable, sharedFile } from "../shared-data.ts";
import { sourceCases as cases } from "./source-cases.ts";

const folder = mkdtempSync(join(tmpdir(), "source-contract-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

const readAll = async (source: string, place: string): Promise<(SourceRow | UnreadRow)[]> => {
  const { value } = await trainingSources.choose(source);
  const rows: (SourceRow | UnreadRow)[] = [];
  for await (const row of value.rows(place)) rows.push(row);
  return rows;
};

test("every source has its cases", () => {
  expect(trainingSources.names()).toEqual(Object.keys(cases).sort());
});

describe.each(
  Object.entries(cases).flatMap(([name, list]) => list.map((one, at) => [name, at, one] as const)),
)("%s, case %i", (name, at, one) => {
  const files = Object.entries(one.files).map(([file, text]) => write(`${name}-${at}/${file}`, text));
  const place = one.place === undefined ? files[0]! : join(folder, `${name}-${at}`, one.place);
  test("gives its rows in order, and names those that cannot be used", async () => {
    const read = await readAll(name, place);
    expect(read.filter((row) => !isUnread(row))).toMatchObject(one.rows as object[]);
    const unread = read.filter(isUnread).map((row) => row.unread);
    expect(unread.map(({ reason }) => reason)).toEqual(
      (one.unread ?? []).map((pattern) => expect.stringMatching(pattern) as string),
    );
    // A person must find the row again.
    for (const { where } of unread) expect(where).toContain(folder);
  });
  test("is told by its look, and by nothing else", async () => {
    expect(await recognisedSource(place)).toBe(name);
  });
});

test("marks of clips become the clip where they stand", async () => {
  const rows = await readAll("chat", join(folder, "chat-1", "share.json"));
  const [row] = rows as SourceRow[];
  expect(row!.messages![0]!.content).toEqual([
    { type: "video", video: "b.mp4" },
    { type: "text", text: "What happens?" },
  ]);
  expect(questionText({ messages: row!.messages! })).toBe("What happens?");
});

test("a place that nothing recognises is named with what there is", async () => {
  await expect(recognisedSource(write("odd.txt", "hello\n"))).rejects.toThrow(
    /no source looks like this: .*odd\.txt; expected one of .*csv.*; say which: NAME=/,
  );
  await expect(recognisedSource(join(folder, "none"))).rejects.toThrow(/^no such source/);
});

test("an object of several lists, as MSR-VTT's is, is refused with the lists and the command that takes one out", async () => {
  const info = { year: "2016" };
  const videos = [
    { category: 9, url: "u", video_id: "video0", "start time": 1, "end time": 2, split: "train" },
  ];
  const sentences = [{ caption: "A car turns.", video_id: "video0", sen_id: 0 }];
  const place = write("msr-vtt.json", JSON.stringify({ info, videos, sentences }));
  await expect(readAll("json", place)).rejects.toThrow(
    /^several lists of rows: .*msr-vtt\.json; expected one list, or an object by clip; got videos \(category, url, video_id, start time\); sentences \(caption, video_id, sen_id\); save .*: jq \.sentences msr-vtt\.json > rows\.json$/,
  );
  const rows = await readAll("json", write("rows.json", JSON.stringify(sentences)));
  expect(rows).toMatchObject([{ clip: { file: "video0" }, caption: "A car turns." }]);
});

test("whatever stands in a file, a source gives rows, names bad ones, or refuses the file", async () => {
  const names = Object.keys(cases).filter((name) => !["folder", "dataset", "hmdb51"].includes(name));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.oneof(
        fc.string({ maxLength: 60 }),
        fc.json({ maxDepth: 2 }),
        fc.constantFrom("", "\u0000", "a,b\n1,2\n"),
      ),
      fc.nat(200),
      async (name, garbage, cut) => {
        const own = Object.entries(cases[name]![0]!.files)[0]!;
        const text = own[1].slice(0, cut % (own[1].length + 1)) + garbage;
        const place = write(`garbage/${own[0]}`, text);
        try {
          for (const row of await readAll(name, place))
            if (!isUnread(row)) expect(row.clip.file).not.toBe("");
        } catch (error) {
          expect(error).toBeInstanceOf(VideoPerceiverError);
        }
      },
    ),
    { numRuns: 150 },
  );
});

/** Rows of the real annotation files: how many can be used, how many not, and one of them. */
const real: readonly (readonly [string, string, number, number, object])[] = [
  ["charades-sta", "charades-sta/charades_sta_test.txt", 3720, 0, { clip: { file: "3MSZA" } }],
  ["activitynet-captions", "activitynet-captions/val.json", 4917, 0, { id: "v_uqiMw7tQ1Cc" }],
  ["qvhighlights", "qvhighlights/highlight_val_release.jsonl", 1550, 0, { id: "qvhighlights-2579" }],
  ["mm-au", "mm-au/OOD_test.txt", 3202, 0, { clip: { file: "010043" } }],
  ["dota", "dota/metadata_val.json", 1402, 0, { id: "0RJPQ_97dcs_000387" }],
  ["hmdb51", "hmdb51", 5100, 0, { keywords: ["brush hair"] }],
];

describe.skipIf(!sharedAvailable)("the annotation files that people have", () => {
  test.each(real)("%s: %s", async (name, file, usable, unusable, first) => {
    const place = sharedFile(join("data/benchmarks", file));
    expect(await recognisedSource(place)).toBe(name);
    const rows = await readAll(name, place);
    const good = rows.filter((row): row is SourceRow => !isUnread(row));
    expect([good.length, rows.length - good.length]).toEqual([usable, unusable]);
    expect(good[0]).toMatchObject(first);
    expect(new Set(good.map(({ id }) => id)).size).toBe(good.length);
  });
});
