import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addCounts, cache, runProjects, type TestCounts } from "./vitest-projects.ts";

const root: string = fileURLToPath(new URL("..", import.meta.url));
const packages: string = join(root, "node_modules");

interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

/** What is known of files that have not changed since they were last checked. */
const known: readonly string[] = ["--incremental", "--tsBuildInfoFile", join(cache, "types.tsbuildinfo")];

/** The checks that read the sources; each is one program, and its output is shown when it fails. */
const steps: readonly Step[] = [
  { name: "types", args: [join(packages, "typescript", "bin", "tsc"), "--noEmit", "--pretty", ...known] },
  { name: "format", args: [join(packages, "@biomejs", "biome", "bin", "biome"), "format", "."] },
  {
    name: "lint",
    args: [join(packages, "@biomejs", "biome", "bin", "biome"), "lint", "--error-on-warnings", "."],
  },
  { name: "docs", args: [join(root, "scripts", "docs-gate.ts")] },
];

interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
}

const run = async ({ name, args }: Step): Promise<StepResult> => {
  const start = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => output.push(piece));
  const passed = await new Promise<boolean>((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done(code === 0));
  });
  const seconds = (performance.now() - start) / 1000;
  if (!passed) process.stdout.write(`\n--- ${name}\n${Buffer.concat(output).toString("utf8")}\n`);
  return { name, passed, seconds };
};

/**
 * Format, lint, types and docs, one behind the other on one core, beside layers, unit, contract and extension tests, which
 * take every core that is free. Each source check counts as one test.
 */
export const runChecks = async (): Promise<TestCounts> => {
  mkdirSync(cache, { recursive: true });
  const start = performance.now();
  const running = runProjects(["unit", "contract", "extension"]).then((tests) => ({
    tests,
    seconds: (performance.now() - start) / 1000,
  }));
  const own: StepResult[] = [];
  for (const step of steps) own.push(await run(step));
  const { tests, seconds } = await running;
  const name = "layers, unit, contract and extension tests";
  const results = [...own, { name, passed: tests.failed === 0, seconds }];
  console.log("\nchecks:");
  for (const one of results)
    console.log(
      `  ${one.passed ? "passed" : "FAILED"}  ${one.seconds.toFixed(1).padStart(6)} s  ${one.name}`,
    );
  const passed = own.filter((step) => step.passed).length;
  return addCounts(tests, { passed, failed: own.length - passed, skipped: [] });
};
