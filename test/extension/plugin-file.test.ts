import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pluginFile, runCommand } from "./run-command.ts";

let folder: string;
let predictions: string;
beforeAll(() => {
  // Far from this repository: neither the package nor zod can be found from there.
  folder = mkdtempSync(join(tmpdir(), "plugins-"));
  predictions = write("predictions.json", JSON.stringify({ "toss-0": "A", "toss-1": "B" }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const score = (benchmark: string, ...args: readonly string[]): ReturnType<typeof runCommand> =>
  runCommand("score", benchmark, "--annotations", "toss", "--predictions", predictions, ...args);

test("a TypeScript file from anywhere adds to what a command knows", () => {
  const file = join(folder, "coin-toss.ts");
  copyFileSync(pluginFile("coin-toss.ts"), file);
  const ended = score("coin-toss", "--json", "--plugin", file);
  expect(ended.stderr).toBe("");
  expect(JSON.parse(ended.stdout)).toMatchObject({ benchmark: "coin-toss", missing: 2 });
  expect(runCommand("score", "--help", `--plugin=${file}`).stdout).toContain("coin-toss");
  expect(score("coin-tos", "--plugin", file).stderr).toMatch(
    /^unknown benchmark "coin-tos"; did you mean "coin-toss"\?/,
  );
  expect(score("coin-toss").stderr).toMatch(/^unknown benchmark "coin-toss"/);
});

test("a JavaScript file, its own modules and a zod of its own do as well; two files are two plug-ins", () => {
  mkdirSync(join(folder, "mine"));
  write("mine/rows.ts", 'export const rows: string[] = ["A"];');
  const own = (name: string): string =>
    write(
      `mine/${name}.js`,
      `import { defineBenchmark } from "videoperceiver/plugins";
       import { z } from "zod";
       import { rows } from "./rows.ts";
       export default defineBenchmark({ summary: "one question", source: "ours", params: z.object({}),
         create: () => ({ metrics: ["accuracy"], samples: async () => rows.map((answer) => ({ id: "toss-0",
           clip: { file: "v" }, skill: "${name}", messages: [], answerKind: "choice", answer, options: ["x", "y"],
           provenance: {} })) }) });`,
    );
  const plugins = ["one", "two"].flatMap((name) => ["--plugin", own(name)]);
  for (const name of ["one", "two"]) {
    const ended = score(name, "--json", ...plugins);
    expect(ended.stderr).toBe("");
    expect(JSON.parse(ended.stdout).skills[0].skill).toBe(name);
  }
});

test.each([
  ["no file", "nowhere.ts", undefined, /^no such plug-in file: .*nowhere\.ts$/],
  [
    "a file of another sort",
    "notes.txt",
    "hello",
    /^not a plug-in file: .*notes\.txt; expected a \.ts or \.js file$/,
  ],
  ["a folder without an entry", ".", undefined, /^not a plug-in folder: .*; expected /],
  ["nothing exported", "empty.ts", "export const a: number = 1;", /^not a plug-in: .*; got none$/],
  [
    "something else exported",
    "number.js",
    "export default 3;",
    /^not a plug-in: .*; expected a default export made by the define function of one of: .*reward.*; got number$/,
  ],
  ["an object by hand", "hand.js", 'export default { kind: "reward" };', /; got a "reward"$/],
  [
    "a kind that is none",
    "kind.js",
    `export default { kind: "x", summary: "", source: "", params: { shape: {}, safeParse() {} }, create() {} };`,
    /; got a "x"$/,
  ],
  [
    "syntax that is not stripped",
    "enum.ts",
    "enum A { B }\nexport default A;",
    /^plug-in cannot be loaded: .*enum/,
  ],
  [
    "a throw",
    "throws.js",
    'throw new Error("not\\ntoday");',
    /^plug-in cannot be loaded: .*; got not today$/,
  ],
  ["an import of nothing", "import.ts", 'import "nowhere";', /^plug-in cannot be loaded: .*nowhere/],
  [
    "an entry that there is not",
    "entry.ts",
    'import "videoperceiver/attic";',
    /^plug-in cannot be loaded: .*attic/,
  ],
])("%s is one line of what, where and what would be right", (_, name, text, line) => {
  const file = text === undefined ? join(folder, name) : write(name, text);
  const ended = score("world", "--plugin", file);
  expect(ended.status).toBe(2);
  expect(ended.stderr.split("\n").length, ended.stderr).toBe(2);
  expect(ended.stderr.trimEnd()).toMatch(line);
});

test("a name that is taken is refused, never replaced", () => {
  const file = join(folder, "world.ts");
  copyFileSync(pluginFile("coin-toss.ts"), file);
  const ended = score("world", "--plugin", file);
  expect([ended.status, ended.stderr]).toEqual([
    2,
    'there is a benchmark "world" already; choose another name\n',
  ]);
});
