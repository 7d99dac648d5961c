import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  danglingImports,
  defaultExportViolations,
  type Files,
  importCycles,
  importsOf,
  type LayerTable,
  layerViolations,
  lineCount,
  longFunctions,
  machinePaths,
  type PluginPlaces,
  privateFolderViolations,
  satisfies,
  sharedNames,
  uncontrolledInputs,
} from "./architecture-rules.ts";

/** Which stage may import which; a new edge here is a decision that a reviewer must see. */
const mayImport: LayerTable = {
  core: [],
  runs: ["core"],
  grading: ["core"],
  video: ["core"],
  frames: ["core", "video"],
  selection: ["core", "video", "frames"],
  absent: ["core", "video", "frames", "selection"],
  pages: ["core", "frames"],
  dataset: ["core", "video", "frames", "selection", "absent", "grading", "pages"],
  fragments: ["core", "grading", "video", "frames", "selection"],
  world: ["core", "video", "frames", "dataset"],
  graph: ["core"],
  weights: ["core"],
  text: ["core"],
  batch: ["core", "frames"],
  model: ["core", "graph", "frames", "weights", "text", "batch"],
  objectives: ["core", "graph", "grading"],
  engine: ["core", "frames", "graph", "weights", "batch", "model", "objectives"],
  training: [
    "core",
    "runs",
    "grading",
    "frames",
    "absent",
    "dataset",
    "text",
    "batch",
    "model/*",
    "engine/*",
    "objectives",
  ],
  recipes: ["core", "types:training"],
  evaluation: [
    "core",
    "runs",
    "grading",
    "video",
    "frames",
    "selection",
    "absent",
    "pages",
    "dataset",
    "text",
    "batch",
    "model/*",
    "engine/*",
  ],
  jobs: { everythingBut: ["cli", "public"] },
  public: { everythingBut: ["cli"] },
  cli: "everything",
};

/** What is found by name; only there are default exports. */
const pluginPlaces: PluginPlaces = {
  folders: [
    "src/absent/builders",
    "src/absent/keywords",
    "src/cli/commands",
    "src/dataset/exports",
    "src/dataset/filters",
    "src/dataset/questions",
    "src/dataset/sources",
    "src/dataset/teachers",
    "src/evaluation/benchmarks",
    "src/evaluation/interventions",
    "src/evaluation/metrics",
    "src/evaluation/scorers",
    "src/evaluation/subjects",
    "src/fragments/tasks",
    "src/grading/entailments",
    "src/objectives/advantages",
    "src/objectives/losses",
    "src/objectives/rewards",
    "src/recipes",
    "src/recipes/train/recipes",
    "src/selection/relevance",
    "src/selection/selectors",
    "src/video/decoders",
  ],
  entries: ["src/model/*/family.ts", "src/engine/*/opener.ts", "src/engine/*/rollouts.ts"],
};

/** Folders that are one plug-in each: their files belong to nobody else, who finds them by name. */
const privateFolderOf = (file: string): string | undefined =>
  /^src\/(?:model|engine)\/[^/]+(?=\/)/.exec(file)?.[0];

const root = fileURLToPath(new URL("..", import.meta.url));
const leftOut = ["node_modules", "dist", "runs", "coverage", ".git", ".cache", ".tmp"];

const walk = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (leftOut.includes(entry.name) && folder === root) return [];
    if (entry.name.startsWith(".venv")) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [relative(root, path).split(sep).join("/")];
  });

/** Tracked files and those that are about to be; every file where there is no git. */
const repositoryFiles = (): string[] => {
  if (!existsSync(join(root, ".git"))) return walk(root);
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  return list.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
};

const everyFile = repositoryFiles();
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const filesMatching = (pattern: RegExp): Files =>
  new Map(everyFile.filter((file) => pattern.test(file)).map((file) => [file, read(file)]));
const sourceFiles = filesMatching(/^src\/.*\.ts$/);
const code = filesMatching(/^(src|test|bench|scripts)\/.*\.(ts|py)$/);

describe("the house", () => {
  test("imports follow the table", () => {
    expect(sourceFiles.size).toBeGreaterThan(0);
    expect(layerViolations(sourceFiles, mayImport)).toEqual([]);
  });
  test("the files of a model family and of an engine are its own", () => {
    expect(privateFolderViolations(sourceFiles, privateFolderOf)).toEqual([]);
  });
  test("no import cycles", () => {
    expect(importCycles(sourceFiles)).toEqual([]);
  });
  test("imports name the real file", () => {
    const typescript = new Map([...code].filter(([file]) => file.endsWith(".ts")));
    expect(danglingImports(typescript, (file) => existsSync(join(root, file)))).toEqual([]);
  });
  test("no source file over 300 lines, no other over 600, the median source file under 150", () => {
    const lengths = [...code].map(([file, text]) => ({ file, lines: lineCount(text) }));
    const most = (file: string): number => (file.startsWith("src/") ? 300 : 600);
    const tooLong = lengths.filter(({ file, lines }) => lines > most(file));
    expect(tooLong.map(({ file, lines }) => `${file}: ${lines}`)).toEqual([]);
    const sorted = [...sourceFiles.values()].map(lineCount).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]!).toBeLessThan(150);
  });
  test("no function over 80 lines", () => {
    expect(longFunctions(sourceFiles, 80)).toEqual([]);
  });
  test("a word has one meaning: no name is exported by two stages", () => {
    expect(sharedNames(sourceFiles)).toEqual([]);
  });
  test("no folder or file that says nothing about its content", () => {
    const nothing = /(^|\/)(utils?|helpers?|common|misc|shared)(\/|\.ts$)/;
    expect([...sourceFiles.keys()].filter((file) => nothing.test(file))).toEqual([]);
  });
  test("clock and randomness only in core", () => {
    expect(uncontrolledInputs(sourceFiles)).toEqual([]);
  });
  test("default exports in plug-in folders and nowhere else", () => {
    expect(defaultExportViolations(sourceFiles, pluginPlaces)).toEqual([]);
  });
  test("every stage has a README of at most 40 lines", () => {
    const stages = new Set([...sourceFiles.keys()].map((file) => file.split("/").slice(0, 2).join("/")));
    const problems = [...stages].flatMap((stage) => {
      const file = `${stage}/README.md`;
      if (!existsSync(join(root, file))) return [`${file} is missing`];
      const lines = lineCount(read(file));
      return lines > 40 ? [`${file}: ${lines} lines`] : [];
    });
    expect(problems).toEqual([]);
  });
  test("no path of one machine in any file", () => {
    const binary = /\.(png|jpe?g|mp4|webm|onnx|safetensors|gz|woff2?|bin)$/;
    const texts = everyFile.filter((file) => !binary.test(file) && file !== "package-lock.json");
    expect(texts.flatMap((file) => machinePaths(file, read(file)))).toEqual([]);
  });
  test("the lock file knows the public registry only", () => {
    const places = [...read("package-lock.json").matchAll(/"resolved": "([^"]+)"/g)].map(
      (match) => match[1]!,
    );
    expect(places.filter((place) => !place.startsWith("https://registry.npmjs.org/"))).toEqual([]);
  });
  test("every locked package runs on the oldest Node that ours promises, or on the one that it brings along", () => {
    const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
    const oldest = engines.node.replace(">=", "");
    const { packages } = JSON.parse(read("package-lock.json")) as {
      packages: Record<string, { engines?: { node?: string } }>;
    };
    const asking = Object.entries(packages).flatMap(([name, { engines }]) =>
      engines?.node === undefined ? [] : [{ name, node: engines.node }],
    );
    expect(asking.length).toBeGreaterThan(50);
    // npm checks the Node that runs npm. pg-boss is only ever loaded by the Node of the package (docs/decisions/0017): what it
    // asks for is not in the lock, so that `npm ci` on Node 20 warns of nothing. A fresh lock needs its "engines" taken out.
    const tooNew = asking.filter(({ node }) => !satisfies(oldest, node)).map(({ name }) => name);
    expect(tooNew).toEqual([]);
    const { node } = JSON.parse(read("package.json")).dependencies as { node: string };
    const needs = JSON.parse(read("node_modules/pg-boss/package.json")).engines as { node: string };
    expect(satisfies(node, needs.node)).toBe(true);
  });
});

describe("each rule catches a planted violation", () => {
  const planted = (entries: Record<string, string>): Files => new Map(Object.entries(entries));
  test("layers", () => {
    const files = planted({
      "src/video/a.ts": 'import { b } from "../frames/b.ts";',
      "src/recipes/r.ts": 'import { type T, loop } from "../training/loop.ts";',
      "src/recipes/s.ts": 'import type { T } from "../training/loop.ts";',
      "src/core/c.ts": 'export const load = () => import("../cli/main.ts");',
      "src/attic/d.ts": "",
    });
    expect(layerViolations(files, mayImport)).toEqual([
      "src/video/a.ts -> src/frames/b.ts",
      "src/recipes/r.ts -> src/training/loop.ts",
      "src/core/c.ts -> src/cli/main.ts",
      'src/attic/d.ts: "attic" has no row in the import table',
    ]);
  });
  test("part of a stage, all stages but some", () => {
    const files = planted({
      "src/training/a.ts": 'import "../engine/contract.ts"; import "../engine/onnx/open.ts";',
      "src/jobs/b.ts": 'import "../training/a.ts"; import "../cli/main.ts";',
    });
    expect(layerViolations(files, mayImport)).toEqual([
      "src/training/a.ts -> src/engine/onnx/open.ts",
      "src/jobs/b.ts -> src/cli/main.ts",
    ]);
  });
  test("files of a family or an engine", () => {
    const files = planted({
      "src/model/alpha/family.ts": 'import "./tower.ts"; import "../beta/tower.ts"; import "../families.ts";',
      "src/cli/a.ts": 'import type { T } from "../engine/onnx/open.ts"; import "../engine/contract.ts";',
    });
    expect(privateFolderViolations(files, privateFolderOf)).toEqual([
      "src/model/alpha/family.ts -> src/model/beta/tower.ts",
      "src/cli/a.ts -> src/engine/onnx/open.ts",
    ]);
  });
  test("long functions", () => {
    const body = (lines: number): string => "\n".repeat(lines - 1);
    const files = planted({
      "src/core/a.ts": `\nexport const a = () => {${body(4)}};\nfunction b() {${body(3)}}`,
      "src/core/c.ts": `class C {\n  m(): void {\n    [1].map((x) => {${body(5)}});\n  }\n}`,
      "src/core/d.ts": `const text = \`${body(9)}\`; declare function e(\n\n\n\n): void;`,
    });
    expect(longFunctions(files, 3)).toEqual([
      "src/core/a.ts:2: 4 lines",
      "src/core/c.ts:2: 7 lines",
      "src/core/c.ts:3: 5 lines",
    ]);
  });
  test("cycles", () => {
    const files = planted({
      "src/core/a.ts": 'export { b } from "./b.ts";',
      "src/core/b.ts": 'import { type T, c } from "./c.ts";',
      "src/core/c.ts": 'import "./a.ts"; import type { d } from "./d.ts";',
      "src/core/d.ts": 'import "./c.ts";',
    });
    expect(importCycles(files)).toEqual(["src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts"]);
  });
  test("imports of every form are seen", () => {
    const text =
      'import "./a.ts"; export * from "./b.ts"; type T = import("./c.ts").T; await import("./d.ts");';
    expect(importsOf("src/core/x.ts", text).map(({ to }) => to)).toEqual([
      "src/core/a.ts",
      "src/core/b.ts",
      "src/core/c.ts",
      "src/core/d.ts",
    ]);
  });
  test("clock and randomness", () => {
    const files = planted({
      "src/video/a.ts": "// Math.random is banned\nconst a = Math.random();\nconst b = new Date();",
      "src/core/a.ts": "const a = Date.now();",
    });
    expect(uncontrolledInputs(files)).toEqual([
      "src/video/a.ts:2: Math.random",
      "src/video/a.ts:3: new Date()",
    ]);
  });
  test("default exports", () => {
    const files = planted({
      "src/core/a.ts": "export default 1;",
      "src/core/b.ts": "const a = 1; export { a as default };",
      "src/core/c.ts": "export default function f() {}",
      "src/recipes/d.ts": "export const a = 1;",
      "src/model/alpha/family.ts": "export const a = 1;",
      "src/model/alpha/tower.ts": "export default 1;",
    });
    expect(defaultExportViolations(files, pluginPlaces)).toHaveLength(6);
  });
  test("names with two meanings", () => {
    const files = planted({
      "src/video/a.ts":
        "export interface Range { a: number } export const { b, c: [d] } = x; const e = 1; export { e as f };",
      "src/grading/a.ts": "export type Range = 1; export function d() {} export class E {}",
      "src/grading/b.ts": "export const d = 1; export default class B {}",
      "src/core/a.ts": 'export const f = 1; const b = 2; export { E } from "../grading/a.ts";',
    });
    expect(sharedNames(files)).toEqual([
      "Range: src/video/a.ts, src/grading/a.ts",
      "d: src/video/a.ts, src/grading/a.ts, src/grading/b.ts",
      "f: src/video/a.ts, src/core/a.ts",
    ]);
  });
  test("ranges of versions", () => {
    for (const range of [
      "*",
      ">=18",
      ">= 0.4",
      "^20.19.0 || >=22.12",
      "18 || 20 || >=22",
      "20.x",
      ">=14 <21",
    ])
      expect(satisfies("20.19", range), range).toBe(true);
    for (const range of [">=22", "^20.20.0 || >=22", "~20.18", "18 || >=21", ">=14 <20", "<=20.18", ">20.19"])
      expect(satisfies("20.19", range), range).toBe(false);
  });
  test("machine paths", () => {
    const folder = ["", "work", "x"].join("/");
    expect(machinePaths("a.md", `see ${folder}\nsrc${folder} is none`)).toEqual([`a.md:1: see ${folder}`]);
  });
});
