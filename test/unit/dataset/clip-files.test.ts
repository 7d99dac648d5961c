import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ClipFinder } from "../../../src/dataset/clip-files.ts";
import { isUnread, type SourceRow, trainingSources } from "../../../src/dataset/sources.ts";
import { planClips, recognisedSource } from "../../../src/jobs/build/plan-clips.ts";

const folder = mkdtempSync(join(tmpdir(), "clip-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const file of ["a/x.mp4", "b/x.mp4", "b/c/x.mp4", "d/größe.mp4", "y.mkv"]) {
  mkdirSync(join(folder, file, ".."), { recursive: true });
  writeFileSync(join(folder, file), "");
}
const find = (name: string): string => new ClipFinder(folder).find(name).slice(folder.length + 1);

describe("a clip is found", () => {
  test.each([
    ["by a path of Windows", "b\\c\\x.mp4", "b/c/x.mp4"],
    ["by a full path of another machine, by the folders that agree", "E:\\films\\set\\a\\x.mp4", "a/x.mp4"],
    ["by the end of a path", "elsewhere/c/x.mp4", "b/c/x.mp4"],
    ["by a name without its ending", "somewhere/y", "y.mkv"],
    ["by accents that are letters of their own", "größe.mp4".normalize("NFD"), "d/größe.mp4"],
  ])("%s", (_, name, path) => expect(find(name)).toBe(path));

  test("and never guessed", () => {
    expect(() => find("x.mp4")).toThrow(/several clips have this name.*a\/x\.mp4, b\/c\/x\.mp4, b\/x\.mp4/);
    expect(() => find("e/x.mp4")).toThrow("several clips have this name");
    expect(() => find("y\0.mkv")).toThrow("a name with a zero byte");
    expect(() => find("z.mp4")).toThrow("no such clip");
  });
});

test("a clip and a folder that is not there are no sources, and that is said", async () => {
  await expect(recognisedSource(join(folder, "y.mkv"))).rejects.toThrow(
    /^a clip is no source: .*; expected a folder of clips, or a table.*videoperceiver absent/,
  );
  const table = join(folder, "table.csv");
  writeFileSync(table, "video,caption\ny.mkv,One.\n");
  const { signal } = new AbortController();
  const nowhere = [{ place: table, clips: join(folder, "nowhere") }];
  await expect(planClips(nowhere, {}, signal)).rejects.toThrow(/^no such folder of clips: .*nowhere/);
});

/** What a file becomes, by the source that it looks like. */
const rowsOf = async (name: string, content: string): Promise<(SourceRow | string)[]> => {
  const file = join(folder, name);
  writeFileSync(file, content);
  const { value } = await trainingSources.choose(await recognisedSource(file));
  const rows: (SourceRow | string)[] = [];
  for await (const row of value.rows(file)) rows.push(isUnread(row) ? row.unread.reason : row);
  return rows;
};

describe("tables as people have them", () => {
  test("Excel's first line names the delimiter, and lines are counted as they stand in the file", async () => {
    const rows = await rowsOf("excel.csv", "sep=;\r\nvideo;caption\r\na/x.mp4;One, two.\r\nshort\r\n");
    expect(rows[0]).toMatchObject({ caption: "One, two.", provenance: { source: "excel.csv:3" } });
    expect(rows[1]).toMatch("a row of another length");
  });

  test("times of a clock are seconds; what is no time is refused", async () => {
    const table = "video,start,end,what\na,1:02.5,00:01:04,x\na,0:01,62,y\na,1:2:3:4,9,z\na,61:5x,9,z\n";
    const [first, second, ...bad] = await rowsOf("clock.csv", table);
    expect(first).toMatchObject({ events: [{ startSeconds: 62.5, endSeconds: 64 }] });
    expect(second).toMatchObject({ events: [{ startSeconds: 1, endSeconds: 62 }] });
    for (const reason of bad) expect(reason).toMatch(/bad start; expected seconds, or hours:minutes:seconds/);
  });

  test("what pandas writes for nothing is nothing, and words that look like it stay", async () => {
    const rows = await rowsOf(
      "pandas.csv",
      ",video,caption,split\n0,a,nan,NaN\n1,b,Nan waves.,<NA>\n2,c,None,train\n",
    );
    expect(rows.map((row) => (row as SourceRow).caption)).toEqual([undefined, "Nan waves.", "None"]);
    expect(rows.map((row) => (row as SourceRow).split)).toEqual([undefined, undefined, "train"]);
  });

  test("the only list of an object is what its rows are; of two nobody guesses", async () => {
    const list = [{ video: "a", caption: "One." }];
    const one = await rowsOf("one.json", JSON.stringify({ info: { version: 1 }, data: list }));
    expect(one).toMatchObject([{ clip: { file: "a" }, caption: "One." }]);
    const two = rowsOf("two.json", JSON.stringify({ videos: list, sentences: list }));
    await expect(two).rejects.toThrow(
      /^several lists of rows: .*two\.json; expected one list, .*got videos .*sentences /,
    );
  });
});

describe("conversations", () => {
  test("of LLaVA say <image> where the clip is; with a picture beside it, the row is told", async () => {
    const said = (value: string): unknown[] => [
      { from: "human", value },
      { from: "gpt", value: "She signs." },
    ];
    const row = { video: "a.mp4", conversations: said("<image>\nWhat happens?") };
    const [read] = await rowsOf("llava.json", JSON.stringify([row]));
    expect((read as SourceRow).messages![0]!.content).toEqual([
      { type: "video", video: "a.mp4" },
      { type: "text", text: "What happens?" },
    ]);
    const pictured = await rowsOf("pictured.json", JSON.stringify([{ ...row, image: "b.jpg" }]));
    expect(pictured).toEqual(["only texts and videos are read; got image"]);
  });

  test("of earlier ms-swift are query, response and history", async () => {
    const row = {
      query: "<video>And then?",
      response: "It ends.",
      history: [["First?", "A jump."]],
      videos: ["a.mp4"],
    };
    const [read] = await rowsOf("swift.jsonl", `${JSON.stringify(row)}\n`);
    expect(read).toMatchObject({ answer: "It ends.", clip: { file: "a.mp4" } });
    expect((read as SourceRow).messages!.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
  });
});
