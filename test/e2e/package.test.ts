import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** `videoperceiver/...` of every entry, with `kind name` of what it exports. */
const surface = new Map<string, string[]>();
for (const line of readFileSync(new URL("../data/public-surface.txt", import.meta.url), "utf8").split("\n"))
  if (line.startsWith("videoperceiver")) surface.set(line, []);
  else if (line !== "") [...surface.values()].at(-1)!.push(line.trim());

/** A project elsewhere that has the packed package, unpacked as npm does, beside the dependencies of this checkout. */
let project: string;

const pack = (): void => {
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", project], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const modules = join(project, "node_modules");
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", join(project, filename), "-C", modules]);
  cpSync(join(modules, "package"), join(modules, "videoperceiver"), { recursive: true });
  rmSync(join(modules, "package"), { recursive: true });
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(modules, "videoperceiver", "package.json"), "utf8"),
  ) as Record<"dependencies" | "optionalDependencies", Record<string, string>>;
  const needed = [...Object.keys({ ...dependencies, ...optionalDependencies }), "@types/node"];
  for (const name of needed) {
    const place = join(modules, name);
    if (!existsSync(join(root, "node_modules", name))) continue;
    mkdirSync(join(place, ".."), { recursive: true });
    symlinkSync(join(root, "node_modules", name), place);
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module", private: true }));
};

const node = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return stdout;
};

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "installed-"));
  pack();
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe("the packed package, installed elsewhere", () => {
  test("holds what runs, and no sources or tests", () => {
    const folder = join(project, "node_modules", "videoperceiver");
    expect(readdirSync(folder).sort()).toEqual([
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "examples",
      "package.json",
      "python",
    ]);
    const files = readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);
    const python = readdirSync(join(folder, "python"), { recursive: true, encoding: "utf8" });
    expect(python.filter((file) => file.endsWith(".py")).length).toBeGreaterThan(0);
    expect(python.filter((file) => /__pycache__|\.pyc$/.test(file))).toEqual([]);
  });

  test("every entry gives the names of the written surface and no other", () => {
    for (const [entry, names] of surface) {
      const values = names
        .filter((line) => !/^(interface|type) /.test(line))
        .map((line) => line.split(" ")[1]);
      const said = node(
        "--input-type=module",
        "-e",
        `console.log(JSON.stringify(Object.keys(await import("${entry}"))))`,
      );
      expect((JSON.parse(said) as string[]).sort(), entry).toEqual(values.sort());
    }
  });

  test("every name has a type that is not any, in a project of strict TypeScript", () => {
    const lines = [...surface].flatMap(([entry, names], at) => {
      const types = names
        .filter((line) => /^(interface|type) /.test(line))
        .map((line) => line.split(" ")[1]!);
      const values = names.map((line) => line.split(" ")[1]!).filter((name) => !types.includes(name));
      return [
        `import * as e${at} from "${entry}";`,
        ...(types.length === 0 ? [] : [`import type { ${types.join(", ")} } from "${entry}";`]).map((line) =>
          line.replace(/(\w+)(?=[,} ]*[,}])/g, (name) => `${name} as ${name}_${at}`),
        ),
        // A name whose declarations are not found is any: it fits a type that nothing of ours is, and nothing is to expect.
        ...values.map((name) => `// @ts-expect-error\nexport const ${name}_${at}: Nothing = e${at}.${name};`),
      ];
    });
    const nothing = "declare class Nothing { #brand: true }";
    writeFileSync(join(project, "consumer.ts"), `${nothing}\n${lines.join("\n")}\n`);
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const flags = [
      "--noEmit",
      "--strict",
      "--target",
      "es2023",
      "--module",
      "nodenext",
      "--skipLibCheck",
      "--types",
      "node",
    ];
    const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags, "consumer.ts"], {
      cwd: project,
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  test("the program answers", () => {
    const program = join("node_modules", "videoperceiver", "bin", "videoperceiver.mjs");
    expect(node(program, "--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(node(program, "help", "ask")).toContain("Usage: videoperceiver ask");
  });
});

describe("examples say what they found out", () => {
  const said: Readonly<Record<string, RegExp>> = {
    "absent.ts": /^key frames 12; the twin shows 50 instead of 250\n$/,
    "dataset.ts": /^1 of 1: [\s\S]*Which colour\?[\s\S]*B\n$/,
    "engine.ts": /^"bright" has probability 0\.\d+ of \d+ tokens\n$/,
    "evaluation.ts": /^right 80 %, without the flash 0 %; difference 80 %\n$/,
    "grading.ts":
      /^"The answer is \(A\)\.": A, right\n"Option A is wrong\.": no answer, wrong\n"A, B": no answer, wrong\n$/,
    "index.ts": /^".+" is gone: [1-9]\d* % replaced, [2-9] files\n$/,
    "model.ts": /^.*offset_vl.*qwen2_5_vl.*: 0\.\d+ beside 0\.\d+\n$/,
    "plugins.ts": /brevity.*gives 0\.9\n$/,
    "selection.ts": /^looked at: 0 25 50 74 99; decisive: 6[0-9]/,
    "training.ts": /^loss \d\.\d+ -> 0\.\d+ in 60 steps\n$/,
    "video.ts": /^20 frames of 64x48; four of them: \d+ \d+ \d+ \d+\n$/,
  };
  beforeAll(() =>
    cpSync(join(project, "node_modules", "videoperceiver", "examples"), join(project, "examples"), {
      recursive: true,
    }),
  );
  test("there is one for every entry", () => {
    const files = readdirSync(join(project, "examples")).filter((file) => file.endsWith(".ts"));
    expect(files.filter((file) => file !== "tiny-model.ts").sort()).toEqual(Object.keys(said).sort());
  });
  test.each(Object.entries(said))("%s", (file, expected) => {
    expect(node(join("examples", file))).toMatch(expected);
  });
});
