import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Files, kindsOfExports, specifiersOf } from "./architecture-rules.ts";
import { unreachableExports } from "./reachability.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const filesBelow = (folder: string): Files =>
  new Map(
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => `${folder}/${file.split(sep).join("/")}`)
      .sort()
      .map((file) => [file, readFileSync(join(root, file), "utf8")]),
  );
const sources = filesBelow("src");
const isRoot = (file: string): boolean => file === "src/cli/main.ts" || file.startsWith("src/public/");

test("every export is reached by a command or by an entry of the package", () => {
  expect(sources.size).toBeGreaterThan(300);
  expect(unreachableExports(sources, isRoot)).toEqual([]);
});

describe("what is reached", () => {
  const list = (files: Record<string, string>): string[] =>
    unreachableExports(new Map(Object.entries(files)), isRoot);
  const main = (...code: string[]): Record<string, string> => ({ "src/cli/main.ts": code.join("\n") });

  test("names, through other names; not what is only imported by what nobody reaches", () => {
    const files = {
      ...main('import { a } from "../core/a.ts"; a();'),
      "src/core/a.ts": 'import { b, lost } from "./b.ts"; export const a = () => b; export const c = lost;',
      "src/core/b.ts": "export const b = 1; export const lost = 2;",
    };
    expect(list(files)).toEqual([
      "src/core/a.ts:1: c, reached by nobody",
      "src/core/b.ts:1: lost, reached by nobody",
    ]);
  });
  test("types, default exports, other names on the way, what a pattern binds", () => {
    const files = {
      ...main('import d, { x as y, type T } from "../core/a.ts"; d(y as T);'),
      "src/core/a.ts":
        'export { z as x } from "./b.ts"; export type T = U; export interface U { b: V } type V = 1; export default () => 1;',
      "src/core/b.ts": "export const { z, unused } = { z: 1, unused: 2 }; export class b {}",
    };
    // A member is no use of the variable that has its name.
    expect(list(files)).toEqual([
      "src/core/b.ts:1: unused, reached by nobody",
      "src/core/b.ts:1: b, reached by nobody",
    ]);
  });
  test("programs and plug-ins that a URL names, dynamic imports by the names that they take", () => {
    const files = {
      ...main(
        "const { one } = await import('../core/c.ts');",
        `new URL(\`../core/worker.\${extension}\`, import.meta.url);`,
        `new URL(\`../kind/\${name}.ts\`, import.meta.url);`,
      ),
      "src/core/c.ts": "export const one = 1; export const two = 2;",
      "src/core/worker.ts": 'import { run } from "./run.ts"; run(); export const idle = 1;',
      "src/core/run.ts": "export const run = () => {};",
      "src/kind/plug.ts": 'import { part } from "../core/part.ts"; export default part;',
      "src/core/part.ts": "export const part = 1;",
    };
    expect(list(files)).toEqual([
      "src/core/c.ts:1: two, reached by nobody",
      "src/core/worker.ts:1: idle, reached by nobody",
    ]);
  });
});

describe("the package", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, { types: string; default: string } | string>;
  };
  const entries = [...sources.keys()].filter((file) => file.startsWith("src/public/"));
  const nameOf = (file: string): string => {
    const name = file.slice("src/public/".length, -".ts".length);
    return name === "index" ? "." : `./${name}`;
  };

  test("has an entry and an example for every file of public/, and no other", () => {
    const expected = Object.fromEntries(
      entries.map((file) => {
        const built = `./dist/${file.slice("src/".length, -".ts".length)}`;
        return [nameOf(file), { types: `${built}.d.ts`, default: `${built}.js` }];
      }),
    );
    expect(manifest.exports).toEqual({ ...expected, "./package.json": "./package.json" });
    const examples = readdirSync(join(root, "examples")).filter((file) => file.endsWith(".ts"));
    for (const file of entries) expect(examples).toContain(file.slice("src/public/".length));
  });

  test("exports these names: what is taken away or changes its kind breaks somebody's program", async () => {
    const surface = entries.flatMap((file) => [
      `${nameOf(file).replace(/^\./, "videoperceiver")}`,
      ...kindsOfExports(file, sources).map(({ kind, name }) => `  ${kind} ${name}`),
      "",
    ]);
    await expect(surface.join("\n")).toMatchFileSnapshot("data/public-surface.txt");
  });

  test("gives everything that a plug-in needs: the files of the extension tests import nothing else", () => {
    const plugins = filesBelow("test/extension/plugins");
    expect(plugins.size).toBeGreaterThan(7);
    const own = /^(node:|videoperceiver(\/|$)|\.\/|zod$)/;
    const foreign = [...plugins].flatMap(([file, text]) =>
      specifiersOf(file, text)
        .filter((specifier) => !own.test(specifier))
        .map((specifier) => `${file} -> ${specifier}`),
    );
    expect(foreign).toEqual([]);
  });

  test("has the define function and the registry of every kind of plug-in under `plugins`", () => {
    const given = new Set(kindsOfExports("src/public/plugins.ts", sources).map(({ name }) => name));
    const made = [...sources].flatMap(([, text]) =>
      [...text.matchAll(/^export const (\w+): (?:Define|Registry)<\w+> =/gm)].map(([, name]) => name!),
    );
    expect(made.length).toBeGreaterThan(20);
    expect(made.filter((name) => !given.has(name))).toEqual([]);
  });
});
