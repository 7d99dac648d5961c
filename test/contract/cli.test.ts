import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CommandDefinition } from "../../src/cli/command.ts";
import { main, overview } from "../../src/cli/main.ts";

let out: string;
let err: string;
beforeEach(() => {
  out = "";
  err = "";
  const into =
    (take: (text: string) => void) =>
    (text: unknown, encoding?: unknown, callback?: unknown): boolean => {
      take(String(text));
      const done = typeof encoding === "function" ? encoding : callback;
      if (typeof done === "function") done();
      return true;
    };
  vi.spyOn(process.stdout, "write").mockImplementation(
    into((text) => (out += text)) as typeof process.stdout.write,
  );
  vi.spyOn(process.stderr, "write").mockImplementation(
    into((text) => (err += text)) as typeof process.stderr.write,
  );
});
afterEach(() => vi.restoreAllMocks());

const oneLine = /^[^\n]+\n$/;
const commandFolder = new URL("../../src/cli/commands/", import.meta.url);
const names = readdirSync(commandFolder)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3));

describe("every command", () => {
  test("is listed with its summary", async () => {
    expect(await main(["--help"])).toBe(0);
    expect(out).toBe(`${await overview()}\n`);
    for (const name of names) expect(out).toMatch(new RegExp(`^ {2}${name} +\\S.*$`, "m"));
  });
  test("stands in the list that is printed without loading any (scripts/overview.ts writes it anew)", async () => {
    const kept = readFileSync(new URL("../../bin/overview.txt", import.meta.url), "utf8");
    expect(kept).toBe(`${await overview()}\n`);
  });
  test("is listed without a file of the program being loaded: --help, help and --version start at once", () => {
    const hook =
      "import { registerHooks } from 'node:module'; registerHooks({ load: (url, context, next) => (process.stderr.write('loaded ' + url + '\\n'), next(url, context)) });";
    const loaded = (...args: string[]): string[] => {
      const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
      const run = spawnSync(
        process.execPath,
        ["--import", `data:text/javascript,${encodeURIComponent(hook)}`, program, ...args],
        { encoding: "utf8" },
      );
      const urls = [...run.stderr.matchAll(/^loaded (file:.*)$/gm)].map(([, url]) => url!);
      return urls.filter((url) => !url.endsWith("/bin/videoperceiver.mjs"));
    };
    for (const word of ["--help", "-h", "help", "--version"]) expect(loaded(word), word).toEqual([]);
    // The hook sees what is loaded for a command's own help.
    expect(loaded("probe", "--help").length).toBeGreaterThan(10);
  });
  test("stands in the README's table, and nothing else does", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const section = readme.split("\n## Commands\n")[1]!.split("\n## ")[0]!;
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \| \S.* \|$/gm)].map(([, name]) => name);
    expect(rows.sort()).toEqual(names.sort());
  });
  describe.each(names)("%s", (name) => {
    test("explains itself, also by `help`", async () => {
      expect(await main([name, "--help", "--anything"])).toBe(0);
      const first = out;
      expect(first).toContain(`Usage: videoperceiver ${name}`);
      expect(first).toContain("--json");
      out = "";
      expect(await main(["help", name])).toBe(0);
      expect(out).toBe(first);
      expect(err).toBe("");
    });
    test("describes every argument and option", async () => {
      const module = (await import(new URL(`${name}.ts`, commandFolder).href)) as {
        default: CommandDefinition;
      };
      const command = new Command();
      module.default.configure(command);
      for (const { long, short, description } of command.options)
        expect(description, long ?? short ?? "").not.toBe("");
      for (const argument of command.registeredArguments)
        expect(argument.description, argument.name()).not.toBe("");
    });
    test("refuses an unknown flag in one line that names the nearest", async () => {
      expect(await main([name, "--jsn"])).toBe(2);
      expect(err).toMatch(oneLine);
      expect(err).toMatch(/^unknown option "--jsn"; did you mean "--json"\? known: --json, .*--help\n$/);
      expect(out).toBe("");
    });
    test("refuses an empty place instead of taking the current folder", async () => {
      const module = (await import(new URL(`${name}.ts`, commandFolder).href)) as {
        default: CommandDefinition;
      };
      const command = new Command();
      module.default.configure(command);
      const place = command.options.find(({ flags }) => /--(out|cache|model) /.test(flags));
      if (place === undefined) return;
      const words = command.registeredArguments.filter(({ required }) => required).map(() => "word");
      const others = command.options.filter((option) => option.mandatory && option !== place);
      const given = others.flatMap(({ long }) => [long!, "word"]);
      expect(await main([name, ...words, ...given, place.long!, ""])).toBe(2);
      expect(err).toMatch(oneLine);
      expect(err).toMatch(new RegExp(`^an empty name: ${place.long}`));
    });
    test("refuses missing arguments in one line", async () => {
      const module = (await import(new URL(`${name}.ts`, commandFolder).href)) as {
        default: CommandDefinition;
      };
      const command = new Command();
      module.default.configure(command);
      const needsSomething =
        command.registeredArguments.some(({ required }) => required) ||
        command.options.some(({ mandatory }) => mandatory);
      if (!needsSomething) return;
      expect(await main([name, "--json"])).toBe(2);
      expect(err).toMatch(oneLine);
      expect(errorIn(out).message).toBe(err.trimEnd());
    });
  });
});

/** The error of the one document that was printed. */
const errorIn = (printed: string): { readonly code: string; readonly message: string } =>
  (JSON.parse(printed) as { error: { code: string; message: string } }).error;

describe("the frame", () => {
  const planted = new URL("../data/commands/", import.meta.url);
  const run = (...argv: string[]): Promise<number> => main(argv, planted);
  test("prints text, or exactly one JSON document", async () => {
    expect(await run("add", "1", "2", "--times", "3", "--names", "a, b")).toBe(0);
    expect(out).toBe("sum 9\n");
    out = "";
    expect(await run("add", "1", "2", "--json", "--names", "a, b,")).toBe(0);
    expect(JSON.parse(out)).toEqual({ sum: 3, names: ["a", "b"] });
    expect(out).toMatch(oneLine);
    expect(err).toContain("adding: 2/2 numbers");
  });
  test('an answer "no" is exit status 1', async () => {
    expect(await run("add", "--json", "--", "-5")).toBe(1);
    expect(JSON.parse(out)).toEqual({ sum: -5, names: [] });
  });
  test.each([
    [["add", "x"], /^not a number: numbers argument\n$/],
    [
      ["add", "1", "--times", "1.5"],
      /argument '1\.5' is invalid\. expected an integer >= 1 and <= 9; got "1\.5"/,
    ],
    [["add", "1", "--times", "10"], /expected an integer >= 1 and <= 9; got "10"/],
    [["add", "1", "--times", ""], /expected an integer/],
    [["add", "1", "--offset", "1e999"], /expected a number; got "1e999"/],
    [["add", "1", "--names", " ,"], /expected names separated by commas/],
    [["add", "1", "--times"], /argument missing; see videoperceiver add --help/],
    [["add", "--time=2"], /^unknown option "--time"; did you mean "--times"\?/],
    [["add", "1", "-x"], /^unknown option "-x"/],
    [["add"], /missing required argument 'numbers'/],
    [["ad", "1"], /^unknown command "ad"; did you mean "add"\? known: add, break, wait\n$/],
    [["help", "brek"], /did you mean "break"/],
  ])("%j is the person's error", async (argv, message) => {
    expect(await run(...argv)).toBe(2);
    expect(err).toMatch(message);
    expect(err).toMatch(oneLine);
    expect(out).toBe("");
  });
  test("a fault of ours exits 70 with its stack", async () => {
    expect(await run("break", "--json")).toBe(70);
    expect(err).toMatch(/^InternalError: internal: the promise was broken\n +at .*break\.ts/);
    expect(errorIn(out)).toEqual({ code: "internal", message: "internal: the promise was broken" });
  });
  test.each([
    [["add", "x", "--json"], { code: "config", message: "not a number: numbers argument" }],
    [["add", "--json"], { code: "config", hint: "see videoperceiver add --help" }],
    [["add", "1", "--times", "1.5", "--json"], { code: "config" }],
    [["--jsn", "--json"], { code: "unknown-name" }],
    [["ad", "--json", "1"], { code: "unknown-name", message: expect.stringContaining('did you mean "add"') }],
    [["add", "--json", "--time=2"], { code: "unknown-name" }],
  ])("%j says its error as one JSON document", async (argv, expected) => {
    expect(await run(...argv)).toBe(2);
    expect(out).toMatch(oneLine);
    expect(errorIn(out)).toMatchObject(expected);
    expect(errorIn(out).message).toBe(err.trimEnd());
  });
  test("what stands behind -- is no option of the program", async () => {
    expect(await run("ad", "--", "--json")).toBe(2);
    expect(out).toBe("");
  });
  test("no command shows the list and is an error; --version is a version", async () => {
    expect(await run()).toBe(2);
    expect(out).toContain("  add          add numbers");
    out = "";
    expect(await run("--version")).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("Ctrl-C", () => {
  const program = fileURLToPath(new URL("../data/run-commands.ts", import.meta.url));
  const stop = (
    argv: readonly string[],
    presses: number,
  ): Promise<{ code: number | null; out: string; err: string }> =>
    new Promise((done, fail) => {
      const child = spawn(process.execPath, [program, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
      let childOut = "";
      let childErr = "";
      child.stdout.on("data", (piece: Buffer) => {
        childOut += piece.toString();
      });
      child.stderr.on("data", (piece: Buffer) => {
        childErr += piece.toString();
        if (childErr.endsWith("running\n") && presses > 0) child.kill("SIGINT");
      });
      child.on("error", fail);
      child.on("close", (code) => done({ code, out: childOut, err: childErr }));
    });
  test.each(["return", "throw"])("stops cleanly and says how to resume (%s)", async (how) => {
    const stopped = await stop(["wait", how, "--json", "--out", "a b"], 1);
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain("stopping cleanly");
    expect(stopped.err).toContain(`go on with: videoperceiver wait ${how} --json --out 'a b' --resume\n`);
    const expected = how === "return" ? { stopped: true } : { error: { code: "interrupted" } };
    expect(JSON.parse(stopped.out)).toMatchObject(expected);
  });
});
