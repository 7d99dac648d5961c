#!/usr/bin/env node
// Runs the command line: the built files when they are there (an installed package), else the sources (a
// checkout, by Node's own type stripping). A Node that is too old hands over to the one this package pins.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18) || major === 23) {
  const pinned = createRequire(import.meta.url)
    .resolve("node/package.json")
    .replace(/package\.json$/, "bin/node");
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
} else {
  // Whoever reads our output may stop reading (`| head`); that is no error.
  process.stdout.on("error", (error) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  const inCheckout = existsSync(`${root}/src/cli/main.ts`);
  const { main } = await import(inCheckout ? "../src/cli/main.ts" : "../dist/cli/main.js");
  process.exitCode = await main(process.argv.slice(2));
}
