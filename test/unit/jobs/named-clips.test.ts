import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { VideoError } from "../../../src/core/errors.ts";
import { eachClip } from "../../../src/jobs/each-clip.ts";
import { folderNames, namedClips } from "../../../src/jobs/named-clips.ts";

const folder = mkdtempSync(join(tmpdir(), "videoperceiver-clips-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "a/b"), { recursive: true });
for (const name of ["a/one.mp4", "a/b/one.mp4", "a/two.MOV", "a/readme.txt"])
  writeFileSync(join(folder, name), "x");
const warnings: string[] = [];
const warn = (line: string): void => void warnings.push(line);

test("folders give their clips, files themselves, none twice", async () => {
  const clips = await namedClips([join(folder, "a"), join(folder, "a/two.MOV")], undefined, warn);
  expect(clips.map(({ file }) => file.slice(folder.length + 1))).toEqual([
    "a/b/one.mp4",
    "a/one.mp4",
    "a/two.MOV",
  ]);
  await expect(namedClips([], undefined, warn)).rejects.toThrow("no clip named");
  mkdirSync(join(folder, "empty"), { recursive: true });
  await expect(namedClips([join(folder, "empty")], undefined, warn)).rejects.toThrow("no clip in the folder");
});

test("a table says what happens in which clip; what it names and is not there is told", async () => {
  const table = join(folder, "captions.csv");
  writeFileSync(table, 'video,caption\na/one.mp4,"falls, then rises"\ntwo,turns\nnone.mp4,x\n');
  warnings.length = 0;
  const clips = await namedClips([], table, warn);
  expect(clips.map(({ caption }) => caption)).toEqual(["falls, then rises", "turns"]);
  expect(warnings.join()).toMatch(/captions\.csv:4.*none\.mp4/);
  const some = await namedClips([join(folder, "a/two.MOV")], table, warn);
  expect(some.map(({ caption }) => caption)).toEqual(["turns"]);
  warnings.length = 0;
  const below = join(folder, "below.csv");
  writeFileSync(below, "video,caption\nb/one.mp4,falls\ntwo,turns\n");
  expect(await namedClips([join(folder, "a")], below, warn)).toHaveLength(2);
  expect(warnings).toEqual(["1 clip has no row in below.csv: one.mp4"]);
  await expect(namedClips([], join(folder, "no.csv"), warn)).rejects.toThrow("no such file of captions");
});

test("no two clips share a folder's name, also where upper and lower case are one", () => {
  const names = folderNames([
    { file: "a/one.mp4" },
    { file: "b/One.mov" },
    { file: "a/two.mp4", caption: "x" },
    { file: "a/two.mp4", caption: "y" },
    { file: "three.mp4" },
  ]);
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(5);
  expect(names[4]).toBe("three");
});

test("a clip that fails is told and the others go on; one display for all", async () => {
  const seen: [number, number][] = [];
  let displays = 0;
  const { done, failed } = await eachClip(
    [{ file: "a" }, { file: "b" }, { file: "c" }],
    "pairs",
    async ({ file }, at, context) => {
      context.progress("inner", "frames").update(1, 1);
      if (file === "b") throw new VideoError("broken", { where: file });
      return at;
    },
    {
      signal: new AbortController().signal,
      warn,
      progress: () => {
        displays++;
        return { update: (now, all) => void seen.push([now, all]), log: () => {} };
      },
    },
  );
  expect(done.map(({ result }) => result)).toEqual([0, 2]);
  expect(failed).toEqual([{ file: "b", error: "broken: b" }]);
  expect(seen).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  expect(displays).toBe(1);
});
