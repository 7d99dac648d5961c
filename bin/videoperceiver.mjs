#!/usr/bin/env node
// Runs the command line: the built files when they are there (an installed package), else the sources (a
// checkout, by Node's own type stripping). A Node that is too old hands over to the one this package pins.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import module from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);

/** What needs no command to be loaded: the list of commands, made by scripts/overview.ts and held to them by a test. */
const atOnce = () => {
  const asked = words.length === 1 ? words[0] : undefined;
  if (asked === "--version" || asked === "-V")
    return { text: `${JSON.parse(readFileSync(`${root}/package.json`, "utf8")).version}\n`, status: 0 };
  if (words.length > 0 && !["--help", "-h", "help"].includes(asked)) return undefined;
  const text = readFileSync(`${root}/bin/overview.txt`, "utf8");
  return { text, status: words.length === 0 ? 2 : 0 };
};

/** Keeps compiled files below the temporary folder: halves the start of every command. Node would try for ever below /proc. */
const keepCompiled = () => {
  const folder = join(tmpdir(), "node-compile-cache");
  try {
    if (!existsSync(folder)) mkdirSync(folder);
  } catch {
    return;
  }
  module.enableCompileCache(folder);
  // Workers are programs of their own.
  process.env.NODE_COMPILE_CACHE ??= folder;
};

// Whoever reads our output may stop reading (`| head`); that is no error.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`cannot write to standard output; got ${error.message}\n`);
  process.exit(2);
});

const [major, minor] = process.versions.node.split(".").map(Number);
const said = atOnce();
if (said !== undefined) {
  process.stdout.write(said.text);
  process.exitCode = said.status;
} else if (major < 22 || (major === 22 && minor < 18) || major === 23) {
  const pinned = module
    .createRequire(import.meta.url)
    .resolve("node/package.json")
    .replace(/package\.json$/, "bin/node");
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...words], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
} else {
  keepCompiled();
  const inCheckout = existsSync(`${root}/src/cli/main.ts`);
  const { main } = await import(inCheckout ? "../src/cli/main.ts" : "../dist/cli/main.js");
  process.exitCode = await main(words);
}
